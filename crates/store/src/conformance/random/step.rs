//! Random steps.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use tocsin_domain::coverage::Proof;
use tocsin_domain::observation::{ChainPosition, Provenance};
use tocsin_domain::time::Seconds;

use super::{SOURCES, SUBJECTS, determination, risk, seldom};
use crate::conformance::looks;
use crate::conformance::model::Model;
use crate::conformance::sample::{self, at, cursor, hash};
use crate::look::{Look, LookState};
use crate::step::{Polled, RiskAdvance, SourceAdvance, SourceProgress, Step};

#[derive(Clone, Debug)]
pub(super) struct RandomStep {
    /// Source, whether it is stale, and how far it moves.
    pub(super) sources: Vec<(usize, bool, i64)>,
    /// Source, subject, second, sequence, price.
    pub(super) observations: Vec<(usize, usize, i64, u64, bool)>,
    /// Subject, whether it is stale, and the second that it is evaluated to.
    pub(super) risks: Vec<(usize, bool, i64)>,
    /// Subject, ordinal, whether it is inconclusive, and whether it was made later.
    pub(super) determinations: Vec<(usize, u32, bool, bool)>,
    /// Subject, whether it is stale, its watermark, what becomes of it, and how long before the watermark something was said.
    pub(super) looks: Vec<(usize, bool, i64, usize, Option<i64>)>,
}

pub(super) fn steps() -> impl Strategy<Value = RandomStep> {
    (
        vec((0..SOURCES, seldom(), -1..4_i64), 0..3),
        vec(
            (0..SOURCES, 0..SUBJECTS, 0..9_i64, 0..3_u64, seldom()),
            0..8,
        ),
        vec((0..SUBJECTS, seldom(), 0..9_i64), 0..2),
        vec((0..SUBJECTS, 1..3_u32, seldom(), any::<bool>()), 0..2),
        vec(
            (
                0..SUBJECTS,
                seldom(),
                0..9_i64,
                0..4_usize,
                proptest::option::of(-1..4_i64),
            ),
            0..2,
        ),
    )
        .prop_map(
            |(sources, observations, risks, determinations, looks)| RandomStep {
                sources,
                observations,
                risks,
                determinations,
                looks,
            },
        )
}

impl RandomStep {
    /// The step, read from where the model is.
    pub(super) fn step(&self, model: &Model) -> Step {
        let advance = |(n, stale, by): &(usize, bool, i64)| {
            let source = sample::source(*n);
            let current = model.progress.get(&source).map(|progress| progress.cursor);
            let reached = current.map_or(5, |cursor| cursor.number);
            let to = reached.checked_add_signed(*by).unwrap();
            let from = if *stale { Some(cursor(1)) } else { current };
            let mut coverage = sample::coverage(from.map(|cursor| cursor.number), to);
            if let Some(read) = coverage.as_mut().filter(|_| to.is_multiple_of(3)) {
                read.proof = Proof::Word;
            }
            SourceAdvance {
                from,
                coverage,
                to: SourceProgress {
                    reading: alloy_primitives::B256::repeat_byte(7),
                    source,
                    cursor: cursor(to),
                    watermark: at(i64::try_from(to).unwrap()),
                },
            }
        };
        let observation =
            |(from, subject, second, sequence, other): &(usize, usize, i64, u64, bool)| {
                let price = if *other { "2" } else { "1" };
                let stream = sample::stream(*from, *subject);
                let mut seen = sample::observation(&stream, *second, *sequence, price);
                seen.provenance = match seen.provenance {
                    Provenance::Chain(place) if *sequence > 0 => {
                        // The blocks of the samples come one a second.
                        let block = u64::try_from(*second).unwrap();
                        Provenance::Chain(ChainPosition { block, ..place })
                    }
                    Provenance::Chain(_) | Provenance::Raw { .. } => Provenance::Raw {
                        hash: hash("raw line"),
                    },
                };
                seen
            };
        let evaluated = |(subject, stale, second): &(usize, bool, i64)| {
            let risk = risk(*subject).id;
            let current = model.risks.get(&risk).map_or(0, |stored| stored.version);
            RiskAdvance {
                risk,
                version: if *stale { current + 1 } else { current },
                state: vec![u8::try_from(*second).unwrap()],
                evaluated_to: at(*second),
            }
        };
        let mut observations: Vec<_> = self.observations.iter().map(observation).collect();
        for (subject, _, second, _, before) in &self.looks {
            observations.extend(before.map(|before| looks::said(*subject, second - before)));
        }
        let looked = self.looks.iter().map(|look| looked(model, *look));
        Step {
            polled: Polled {
                looks: looked.collect(),
                ..Polled::default()
            },
            sources: self.sources.iter().map(advance).collect(),
            observations,
            risks: self.risks.iter().map(evaluated).collect(),
            determinations: self
                .determinations
                .iter()
                .map(|(subject, ordinal, unknown, later)| {
                    let mut decided = determination(*subject, *ordinal, *unknown);
                    if *later {
                        decided.determined_at = decided.determined_at + Seconds(5);
                    }
                    decided
                })
                .collect(),
        }
    }
}

/// A look as it becomes, from where the model is.
fn looked(
    model: &Model,
    (subject, stale, second, outcome, _): (usize, bool, i64, usize, Option<i64>),
) -> Look {
    let key = (looks::feed(), looks::subject(subject));
    let new = looks::new_look(subject, 0).look();
    let current = model.looks.get(&key).unwrap_or(&new);
    let mut look = match outcome {
        0 | 1 => looks::answered(current, second),
        2 => looks::over(current, second),
        _ => Look {
            state: LookState::NeedsPerson("nobody knows".to_owned()),
            due_at: None,
            ..looks::answered(current, second)
        },
    };
    // Only a person opens what is closed.
    if current.state.is_closed() && outcome != 1 {
        look.state = current.state.clone();
    }
    if outcome == 1 {
        look.state = LookState::Open;
    }
    look.version += u64::from(stale);
    look
}
