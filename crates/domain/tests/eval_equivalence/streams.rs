//! Random observation streams, and the many ways in which one stream can reach an engine.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use proptest::prelude::*;
use tocsin_domain::cover::Cover;
use tocsin_domain::eval::{InputObservation, Start};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

use super::covers::{DECIMALS, DURATIONS, TEXTS, covers};

/// One risk and all that was ever observed of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) cover: Cover,
    pub(crate) evaluate_from: Option<Timestamp>,
    pub(crate) inception: Option<Timestamp>,
    /// In the order (time, input, sequence), no repeats.
    pub(crate) observations: Vec<InputObservation>,
    pub(crate) watermark: Timestamp,
}

impl Case {
    /// The case in a few lines, for a failure that a person has to understand.
    pub(crate) fn shown(&self) -> String {
        let names = self.cover.input_names();
        let mut shown = format!(
            "when {}\npays {} settles {:?} rearm {:?}\n",
            self.cover.trigger.when.text(&names),
            self.cover.payout.fraction.text(&names),
            self.cover.payout.settle,
            self.cover.trigger.rearm
        );
        for guard in &self.cover.guards {
            shown += &format!("guard {}\n", guard.condition.text(&names));
        }
        for input in &self.cover.inputs {
            shown += &format!(
                "input {} max_age {:?} {:?}\n",
                input.name, input.max_age, input.source
            );
        }
        let at = |at: Timestamp| at.0 - START;
        let maybe = |time: Option<Timestamp>| time.map(at);
        shown += &format!(
            "from {:?} inception {:?} to {}\n",
            maybe(self.evaluate_from),
            maybe(self.inception),
            at(self.watermark)
        );
        for seen in &self.observations {
            shown += &format!(
                "{} {} {} {:?}\n",
                at(seen.observed_at),
                names[seen.input],
                seen.sequence.0,
                seen.value
            );
        }
        shown
    }

    /// Where its evaluation starts.
    pub(crate) fn start(&self) -> Start {
        Start {
            evaluate_from: self.evaluate_from,
            inception: self.inception,
        }
    }
}

/// How a case reaches the engine.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Watermarks of the batches, and whether the process restarts after each.
    pub(crate) batches: Vec<(Timestamp, bool)>,
    /// The independent source of each input.
    pub(crate) slots: Vec<usize>,
    /// Which source acts next, and what it does.
    pub(crate) turns: Vec<(usize, Turn)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// Hands over its next observation.
    Observe,
    /// Hands over its next observation twice.
    Repeat,
    /// Reports as far as it can.
    Report,
}

pub(crate) const SOURCES: usize = 3;
pub(crate) const START: i64 = 1_678_400_000;

#[derive(Clone, Debug)]
struct Row {
    pause: i64,
    input: usize,
    sequence: u64,
    /// `None`: empty.
    value: Option<usize>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let pause = prop_oneof![
        4 => Just(0),
        4 => Just(1),
        4 => 2..5i64,
        3 => 5..10i64,
        1 => 10..40i64,
    ];
    let value = prop_oneof![
        1 => Just(None),
        6 => (0..5usize).prop_map(Some),
        2 => (0..1_000usize).prop_map(Some),
    ];
    let input = prop_oneof![3 => Just(0usize), 2 => 0..6usize];
    let row = (pause, input, 0..5u64, value).prop_map(|(pause, input, sequence, value)| Row {
        pause,
        input,
        sequence,
        value,
    });
    prop::collection::vec(row, 0..40)
}

fn value(ty: Type, choice: usize) -> Value {
    match ty {
        Type::Decimal => Value::Decimal(DECIMALS[choice % DECIMALS.len()].parse().unwrap()),
        Type::Duration => Value::Duration(Seconds(DURATIONS[choice % DURATIONS.len()])),
        Type::Bool => Value::Bool(choice.is_multiple_of(2)),
        Type::Text => Value::Text(TEXTS[choice % TEXTS.len()].to_owned()),
        Type::Time => Value::Time(Timestamp(START)),
        // Its amount.
        Type::Event => Value::Decimal(DECIMALS[choice % DECIMALS.len()].parse().unwrap()),
    }
}

fn observations(cover: &Cover, rows: Vec<Row>) -> Vec<InputObservation> {
    let mut now = START;
    let mut observations: Vec<InputObservation> = rows
        .into_iter()
        .map(|row| {
            now += row.pause;
            let input = row.input % cover.inputs.len();
            InputObservation {
                input,
                observed_at: Timestamp(now),
                sequence: Sequence(U256::from(row.sequence)),
                value: row
                    .value
                    .map(|choice| value(cover.inputs[input].ty, choice)),
            }
        })
        .collect();
    observations.sort_by_key(|seen| (seen.observed_at, seen.input, seen.sequence));
    observations.dedup_by_key(|seen| (seen.observed_at, seen.input, seen.sequence));
    observations
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let from = prop::option::weighted(0.3, -3..40i64);
    let inception = prop::option::weighted(0.6, -3..40i64);
    (covers(), rows(), (from, inception), -5..60i64).prop_map(
        |(cover, rows, (from, inception), after)| {
            let observations = observations(&cover, rows);
            let last = observations.last().map_or(START, |last| last.observed_at.0);
            Case {
                cover,
                evaluate_from: from.map(|from| Timestamp(START + from)),
                inception: inception.map(|inception| Timestamp(START + inception)),
                observations: observations
                    .into_iter()
                    .filter(|seen| seen.observed_at.0 <= last + after)
                    .collect(),
                watermark: Timestamp(last + after),
            }
        },
    )
}

pub(crate) fn deliveries() -> impl Strategy<Value = Delivery> {
    let turn =
        prop_oneof![3 => Just(Turn::Observe), 1 => Just(Turn::Repeat), 2 => Just(Turn::Report)];
    (
        prop::collection::vec((-5..140i64, any::<bool>()), 0..8),
        prop::collection::vec(0..SOURCES, 6),
        prop::collection::vec((0..SOURCES, turn), 0..60),
    )
        .prop_map(|(batches, slots, turns)| {
            let batches: BTreeSet<(i64, bool)> = batches.into_iter().collect();
            let batches = batches
                .into_iter()
                .map(|(at, restart)| (Timestamp(START + at), restart));
            Delivery {
                batches: batches.collect(),
                slots,
                turns,
            }
        })
}

pub(crate) fn cases_and_deliveries() -> impl Strategy<Value = (Case, Delivery)> {
    (cases(), deliveries())
}
