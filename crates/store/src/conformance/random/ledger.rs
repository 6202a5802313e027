//! Random operations on what was read: re-checks, halts, unwinding and warnings.

use tocsin_domain::observation::SourceId;

use super::{Operation, agree, one, risk};
use crate::Store;
use crate::conformance::model::Model;
use crate::conformance::sample::{self, at, cursor, decimal, hash};
use crate::coverage::{Finding, Recheck};
use crate::unwind::{Kept, Mark};
use crate::warning::{WarningChange, WarningId};

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

pub(super) async fn perform<S: Store>(operation: &Operation, store: &S, model: &mut Model) {
    match operation {
        Operation::AddRecheck {
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
            agree(operation, seen, one(model.add_recheck(&recheck)));
        }
        Operation::Halt(sources) => {
            let (sources, halt) = (named(sources), sample::halt(sources.len()));
            store.halt(&sources, &halt).await.unwrap();
            model.halt(&sources, &halt);
        }
        Operation::ClearHalt(sources) => {
            let sources = named(sources);
            let seen = store.clear_halt(&sources).await;
            agree(operation, seen, one(model.clear_halt(&sources)));
        }
        Operation::Unwind(sources, back, forked) => {
            let sources = named(sources);
            let to = back.map(|back| mark(model, &sources, back, *forked));
            let seen = store.unwind(&sources, to.as_ref()).await;
            agree(operation, seen, model.unwind(&sources, to.as_ref()));
        }
        Operation::Acknowledge { kept, nobody } => {
            let mut wanted: Vec<Kept> = model.kept.keys().take(*kept).copied().collect();
            if *nobody {
                wanted.push(Kept {
                    risk: risk(0).id,
                    ordinal: 99,
                    policy: super::policy(0).id,
                });
            }
            let when = at(i64::try_from(*kept).unwrap());
            let seen = store.acknowledge(&wanted, when).await;
            agree(operation, seen, one(model.acknowledge(&wanted, when)));
        }
        Operation::ChangeWarnings { withdraw, raise } => {
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
            agree(operation, seen, model.change_warnings(&change));
        }
        _ => panic!("{operation:?} is not one of these"),
    }
}
