//! A short notation for observations and outcomes, so that a case fits on a line.
//!
//! Observations: `0 a=0.99` is the value 0.99 of input `a` at second 0; `a=-` is an observation without a value;
//! `a=1#7` has the sequence 7 (else its place in the list). Several are separated by ` · `.
//!
//! Outcomes: `#1 0→86400 pays 0.2` is the first loss event, begun at 0 and confirmed at 86400; the trigger's value as
//! of the end of the case comes last.

use alloy_primitives::U256;
use tocsin_domain::cover::Cover;
use tocsin_domain::eval::reference::{self, Evaluation};
use tocsin_domain::eval::{InputObservation, LossEvent, Program, RiskState, Truth};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

/// A cover around one trigger.
pub(crate) struct Terms<'a> {
    pub(crate) when: &'a str,
    pub(crate) fraction: &'a str,
    pub(crate) rearm: &'a str,
    pub(crate) max_age: Option<&'a str>,
    /// Whether one source says it all.
    pub(crate) one_source: bool,
}

impl Terms<'_> {
    /// Inputs `a` and `b` are prices, `delay` is a duration, `status` a text, `paused` a truth
    /// value; those that the terms mention are declared.
    pub(crate) fn cover(&self) -> Cover {
        let mut text = "name = \"case\"\nversion = 1\n".to_owned();
        for (name, metric) in [
            ("a", "price"),
            ("b", "price"),
            ("delay", "arrival_delay"),
            ("status", "status"),
            ("paused", "paused"),
        ] {
            let mentioned = |terms: &str| {
                terms
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .any(|word| word == name)
            };
            if !mentioned(self.when) && !mentioned(self.fraction) {
                continue;
            }
            text +=
                &format!("[inputs.{name}]\nmetric = \"{metric}\"\nsubject = \"asset:{name}\"\n");
            let source = if self.one_source { "all" } else { name };
            text += &format!("source = \"feed:{source}\"\n");
            if metric == "paused" {
                text += "type = \"bool\"\n";
            }
            if let Some(max_age) = self.max_age {
                text += &format!("max_age = \"{max_age}\"\n");
            }
        }
        text += &format!(
            "[trigger]\nwhen = '{}'\nrearm = \"{}\"\n",
            self.when, self.rearm
        );
        text += &format!("[payout]\nfraction = \"{}\"\n", self.fraction);
        match Cover::parse(&text) {
            Ok((cover, _warnings)) => cover,
            Err(found) => panic!("{text}\n{found:#?}"),
        }
    }
}

/// A trigger with a payout of 20 %, that rearms never.
pub(crate) fn when(when: &str) -> Terms<'_> {
    Terms {
        when,
        fraction: "20%",
        rearm: "never",
        max_age: None,
        one_source: false,
    }
}

pub(crate) fn observations(cover: &Cover, text: &str) -> Vec<InputObservation> {
    let mut observations: Vec<InputObservation> = text
        .split('·')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .enumerate()
        .map(|(index, item)| {
            let (second, said) = item.split_once(' ').unwrap();
            let (name, said) = said.split_once('=').unwrap();
            let (value, sequence) = match said.split_once('#') {
                Some((value, sequence)) => (value, sequence.parse().unwrap()),
                None => (said, index),
            };
            let input = cover
                .inputs
                .iter()
                .position(|input| input.name == name)
                .unwrap();
            InputObservation {
                input,
                observed_at: Timestamp(second.parse().unwrap()),
                sequence: Sequence(U256::from(sequence)),
                value: (value != "-").then(|| read(cover.inputs[input].ty, value)),
            }
        })
        .collect();
    observations.sort_by_key(|seen| (seen.observed_at, seen.input, seen.sequence));
    observations
}

fn read(ty: Type, text: &str) -> Value {
    match ty {
        Type::Decimal | Type::Event => Value::Decimal(text.parse().unwrap()),
        Type::Duration => Value::Duration(Seconds(text.parse().unwrap())),
        Type::Bool => Value::Bool(text.parse().unwrap()),
        Type::Text => Value::Text(text.to_owned()),
        Type::Time => Value::Time(Timestamp(text.parse().unwrap())),
    }
}

/// What both evaluators say; they must say the same.
pub(crate) fn evaluate(
    cover: &Cover,
    evaluate_from: Option<i64>,
    observations: &[InputObservation],
    as_of: i64,
) -> (Vec<LossEvent>, Truth) {
    let (evaluate_from, as_of) = (evaluate_from.map(Timestamp), Timestamp(as_of));
    let program = Program::compile(cover);
    let mut state = RiskState::new(&program, evaluate_from);
    let events = program.advance(&mut state, observations, as_of).unwrap();
    let truth = program.truth(&state);
    let Evaluation {
        events: expected,
        truth: expected_truth,
        ..
    } = reference::evaluate(cover, evaluate_from, observations, as_of);
    assert_eq!(
        (&events, &truth),
        (&expected, &expected_truth),
        "the two evaluators differ"
    );
    (events, truth)
}

pub(crate) fn said(cover: &Cover, events: &[LossEvent], truth: &Truth) -> String {
    let names = cover.input_names();
    let mut said = String::new();
    for event in events {
        let LossEvent {
            ordinal,
            occurred_at,
            confirmed_at,
            ..
        } = event;
        let (occurred_at, confirmed_at) = (occurred_at.0, confirmed_at.0);
        said += &format!("#{ordinal} {occurred_at}→{confirmed_at} ");
        said += &match &event.payout {
            Ok(fraction) => format!("pays {fraction}, "),
            Err(unknown) => format!("inconclusive: {}, ", unknown.describe(&names)),
        };
    }
    said + &match truth {
        Truth::False => "false".to_owned(),
        Truth::True => "true".to_owned(),
        Truth::Unknown(unknown) => format!("unknown: {}", unknown.describe(&names)),
    }
}

/// Asserts what the terms make of the observations, each row (what it shows, observations, end, outcome).
pub(crate) fn check(terms: &Terms<'_>, rows: &[(&str, &str, i64, &str)]) {
    check_from(terms, None, rows);
}

pub(crate) fn check_from(
    terms: &Terms<'_>,
    evaluate_from: Option<i64>,
    rows: &[(&str, &str, i64, &str)],
) {
    let cover = terms.cover();
    for (shows, seen, as_of, expected) in rows {
        let seen = observations(&cover, seen);
        let (events, truth) = evaluate(&cover, evaluate_from, &seen, *as_of);
        assert_eq!(
            &said(&cover, &events, &truth),
            expected,
            "{shows} ({})",
            terms.when
        );
    }
}
