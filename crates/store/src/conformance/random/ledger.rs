//! Random operations on what was read: re-checks, halts, unwinding and warnings.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use tocsin_domain::observation::SourceId;

use super::{SOURCES, SUBJECTS, agree, one, policy, risk, seldom};
use crate::Store;
use crate::conformance::looks;
use crate::conformance::model::Model;
use crate::conformance::sample::{self, at, cursor, decimal, hash};
use crate::coverage::{Finding, Recheck};
use crate::unwind::{Kept, Mark};
use crate::warning::{WarningChange, WarningId};

/// One call, as its siblings are.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    AddRecheck {
        source: usize,
        first: u64,
        more: u64,
        same: bool,
    },
    Halt(Vec<usize>),
    ClearHalt(Vec<usize>),
    /// Sources, how many blocks they are taken back if not to their beginning, and whether the mark is on another fork.
    Unwind(Vec<usize>, Option<u64>, bool),
    Acknowledge {
        kept: usize,
        nobody: bool,
    },
    AddLook(usize, i64),
    /// Subject, and whether it is asked about again.
    Attend(usize, bool),
    ChangeWarnings {
        withdraw: Vec<usize>,
        /// Subject, ordinal, and whether its payout is known.
        raise: Vec<(usize, u32, bool)>,
    },
}

pub(super) fn operations() -> impl Strategy<Value = Operation> {
    let sources = || vec(0..SOURCES, 1..=SOURCES);
    prop_oneof![
        1 => (0..SOURCES, 0..9_u64, 0..3_u64, any::<bool>())
            .prop_map(|(source, first, more, same)| Operation::AddRecheck { source, first, more, same }),
        2 => sources().prop_map(Operation::Halt),
        3 => sources().prop_map(Operation::ClearHalt),
        3 => (sources(), proptest::option::weighted(0.8, 0..5_u64), seldom())
            .prop_map(|(sources, back, forked)| Operation::Unwind(sources, back, forked)),
        2 => (0..3_usize, seldom()).prop_map(|(kept, nobody)| Operation::Acknowledge { kept, nobody }),
        2 => (0..SUBJECTS, 0..9_i64).prop_map(|(subject, due)| Operation::AddLook(subject, due)),
        2 => (0..SUBJECTS, any::<bool>()).prop_map(|(subject, again)| Operation::Attend(subject, again)),
        3 => (vec(0..4_usize, 0..2), vec((0..SUBJECTS, 1..3_u32, any::<bool>()), 0..3))
            .prop_map(|(withdraw, raise)| Operation::ChangeWarnings { withdraw, raise }),
    ]
}

fn named(sources: &[usize]) -> Vec<SourceId> {
    sources.iter().copied().map(sample::source).collect()
}

/// The place that is `back` blocks before the last one that any of `sources` was read to.
fn mark(model: &Model, sources: &[SourceId], back: u64, forked: bool) -> Mark {
    let read = sources
        .iter()
        .filter_map(|source| model.progress.get(source));
    let reached = read.map(|progress| progress.cursor.number).max();
    let number = reached.unwrap_or(5).saturating_sub(back);
    let mut cursor = cursor(number);
    if forked {
        cursor.hash = hash("another fork");
    }
    Mark {
        cursor,
        watermark: cursor.timestamp,
    }
}

impl Operation {
    pub(super) async fn perform<S: Store>(&self, store: &S, model: &mut Model) {
        match self {
            Self::AddRecheck {
                source,
                first,
                more,
                same,
            } => {
                let recheck = Recheck {
                    source: sample::source(*source),
                    first: *first,
                    last: first + more,
                    endpoint: "https://three.example".to_owned(),
                    finding: if *same {
                        Finding::Same
                    } else {
                        Finding::Differs("it has another log".to_owned())
                    },
                    at: at(9),
                };
                let seen = store.add_recheck(&recheck).await;
                agree(self, seen, one(model.add_recheck(&recheck)));
            }
            Self::Halt(sources) => {
                let (sources, halt) = (named(sources), sample::halt(sources.len()));
                store.halt(&sources, &halt).await.unwrap();
                model.halt(&sources, &halt);
            }
            Self::ClearHalt(sources) => {
                let sources = named(sources);
                let seen = store.clear_halt(&sources).await;
                agree(self, seen, one(model.clear_halt(&sources)));
            }
            Self::Unwind(sources, back, forked) => {
                let sources = named(sources);
                let to = back.map(|back| mark(model, &sources, back, *forked));
                let seen = store.unwind(&sources, to.as_ref()).await;
                agree(self, seen, model.unwind(&sources, to.as_ref()));
            }
            Self::Acknowledge { kept, nobody } => {
                let mut wanted: Vec<Kept> = model.kept.keys().take(*kept).copied().collect();
                if *nobody {
                    wanted.push(Kept {
                        risk: risk(0).id,
                        ordinal: 99,
                        policy: policy(0).id,
                    });
                }
                let when = at(i64::try_from(*kept).unwrap());
                let seen = store.acknowledge(&wanted, when).await;
                agree(self, seen, one(model.acknowledge(&wanted, when)));
            }
            Self::AddLook(subject, due) => {
                let new = [looks::new_look(*subject, *due)];
                store.add_looks(&new).await.unwrap();
                model.add_looks(&new);
            }
            Self::Attend(subject, again) => {
                let key = (looks::feed(), looks::subject(*subject));
                let due_at = again.then(|| at(3));
                let seen = store.attend(&key.0, &key.1, due_at).await;
                agree(self, seen, one(model.attend(&key, due_at)));
            }
            Self::ChangeWarnings { withdraw, raise } => {
                let change = WarningChange {
                    withdraw: withdraw
                        .iter()
                        .map(|n| WarningId(u64::try_from(n + 1).unwrap()))
                        .collect(),
                    raise: raise
                        .iter()
                        .map(|(subject, ordinal, known)| {
                            let mut warning = sample::warning(&risk(*subject), *ordinal);
                            warning.payout = known.then(|| Ok(decimal("0.5")));
                            warning
                        })
                        .collect(),
                    at: at(7),
                };
                let seen = store.change_warnings(&change).await;
                agree(self, seen, model.change_warnings(&change));
            }
        }
    }
}
