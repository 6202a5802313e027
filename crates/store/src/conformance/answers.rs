//! Answers to writes: one for each key of each caller, and only with its effect.

use std::sync::Arc;

use crate::answer::{Answer, Written};
use crate::conformance::sample::{at, cover, hash, policy, risk, stream};
use crate::conformance::{Fault, assert_fault};
use crate::import::{Batch, Batches, Clash, Next};
use crate::log::{Appending, AuditEntry};
use crate::{Store, StoreError};
use tocsin_domain::time::Seconds;

/// What `caller` was answered under `key`.
pub(super) fn answer(caller: &str, key: &str, second: i64) -> Answer {
    Answer {
        caller: caller.to_owned(),
        key: key.to_owned(),
        request: hash(key),
        status: 201,
        body: format!("{{\"to\":\"{caller}\"}}").into_bytes(),
        at: at(second),
    }
}

pub(super) fn written(caller: &str, key: &str) -> Written {
    Written {
        answer: answer(caller, key, 1),
        audit: AuditEntry {
            at: at(1),
            action: "written".to_owned(),
            actor: Some(caller.to_owned()),
            subject: key.to_owned(),
            detail: serde_json::json!({}),
        },
    }
}

/// How many leaves say who wrote under a key.
pub(super) async fn leaves_of(store: &impl Store, key: &str) -> usize {
    let appending = Appending {
        now: at(9),
        limit: 99,
        coverage_every: Seconds(300),
        slack: &[],
    };
    store.append(&appending).await.unwrap();
    let leaves = store.leaves_about(key, Some("audit"), 9).await.unwrap();
    leaves.len()
}

/// One batch, kept with its answer.
struct Asked(Option<Batch>, Option<Written>);

impl Batches for Asked {
    fn next(&mut self, clashes: &[Clash]) -> Next {
        match (self.0.take(), self.1.take()) {
            (Some(batch), written) => {
                self.1 = written;
                Next::Add(batch)
            }
            (None, Some(written)) if clashes.is_empty() => Next::KeepAnswered(Box::new(written)),
            (None, _) => Next::Discard,
        }
    }
}

/// Policies `numbers`, asked for under `key`.
async fn take(
    store: &impl Store,
    numbers: core::ops::Range<u64>,
    key: &str,
) -> Result<bool, StoreError> {
    let on = risk(&cover(0), 0, &[stream(0, 0)]);
    let batch = Batch {
        policies: numbers.map(|number| policy(&on.risk, number)).collect(),
        risks: vec![on],
        looks: Vec::new(),
    };
    let mut asked = Asked(Some(batch), Some(written("insurer", key)));
    store.import(&mut asked).await.map(|imported| imported.kept)
}

async fn policies(store: &impl Store) -> usize {
    let on = risk(&cover(0), 0, &[stream(0, 0)]);
    store.policies_on(on.risk.id).await.unwrap().len()
}

/// The first answer under a key stays; keys of different callers are different keys.
pub async fn are_given_once<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.answer("one", "key").await.unwrap(), None);
    let first = answer("one", "key", 1);
    store.add_answer(&first).await.unwrap();
    let other = Answer {
        status: 200,
        ..answer("one", "key", 2)
    };
    assert_fault(store.add_answer(&other).await, Fault::Conflict);
    let elsewhere = answer("two", "key", 3);
    store.add_answer(&elsewhere).await.unwrap();
    assert_eq!(store.answer("one", "key").await.unwrap(), Some(first));
    assert_eq!(store.answer("two", "key").await.unwrap(), Some(elsewhere));
}

/// Those from before an instant go, and no others; their keys are free then.
pub async fn are_forgotten_by_age<S: Store + 'static>(store: Arc<S>) {
    for second in 1..=5 {
        let one = answer("one", &second.to_string(), second);
        store.add_answer(&one).await.unwrap();
    }
    assert_eq!(store.forget_answers(at(3)).await.unwrap(), 2);
    assert_eq!(store.forget_answers(at(3)).await.unwrap(), 0);
    assert_eq!(store.answer("one", "2").await.unwrap(), None);
    let kept = store.answer("one", "3").await.unwrap();
    assert_eq!(kept, Some(answer("one", "3", 3)));
    store.add_answer(&answer("one", "2", 6)).await.unwrap();
}

/// Policies, their answer and the leaf of who wrote them are there together, or none of it is.
pub async fn stay_with_their_policies<S: Store + 'static>(store: Arc<S>) {
    store.add_cover(&cover(0), &[]).await.unwrap();
    assert!(take(&*store, 0..3, "first").await.unwrap());
    let kept = store.answer("insurer", "first").await.unwrap();
    assert_eq!(kept, Some(written("insurer", "first").answer));
    assert_eq!(policies(&*store).await, 3);
    assert_eq!(leaves_of(&*store, "first").await, 1);

    // The key has its answer: nothing more is done under it.
    assert_fault(take(&*store, 3..6, "first").await, Fault::Conflict);
    assert_eq!(policies(&*store).await, 3);
    assert_eq!(leaves_of(&*store, "first").await, 1);

    let mut clashing = Batch {
        policies: vec![policy(&risk(&cover(0), 0, &[stream(0, 0)]).risk, 0)],
        ..Batch::default()
    };
    clashing.policies[0].expiry = at(1_000_000_000);
    let mut asked = Asked(Some(clashing), Some(written("insurer", "clash")));
    assert!(!store.import(&mut asked).await.unwrap().kept);
    assert_eq!(store.answer("insurer", "clash").await.unwrap(), None);
    assert_eq!(leaves_of(&*store, "clash").await, 0);
}

/// Of two that ask under one key at the same time, one is answered, and the other one changes nothing.
pub async fn have_one_winner<S: Store + 'static>(store: Arc<S>) {
    store.add_cover(&cover(0), &[]).await.unwrap();
    let (one, two) = tokio::join!(take(&*store, 0..2, "same"), take(&*store, 2..4, "same"));
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    assert!(won.unwrap());
    assert_fault(lost, Fault::Conflict);
    assert_eq!(policies(&*store).await, 2);
    assert_eq!(leaves_of(&*store, "same").await, 1);
}
