//! Policies in bulk: all of an import, or nothing.

use std::sync::Arc;

use alloy_primitives::U256;
use tocsin_domain::policy::Policy;

use super::looks::{current, feed, new_look, stream, subject};
use crate::Store;
use crate::conformance::sample::{cover, determination, hash, policy, risk};
use crate::conformance::{Fault, assert_fault};
use crate::cover::RiskRecord;
use crate::import::{Batch, Batches, Clash, Imported, Next};
use crate::step::Step;

/// Batches in a row, then `end`; remembers what clashed.
struct Given {
    batches: std::vec::IntoIter<Batch>,
    keep: bool,
    clashes: Vec<Clash>,
}

impl Batches for Given {
    fn next(&mut self, clashes: &[Clash]) -> Next {
        self.clashes.extend_from_slice(clashes);
        match self.batches.next() {
            Some(batch) => Next::Add(batch),
            None if self.keep => Next::Keep,
            None => Next::Discard,
        }
    }
}

fn given(batches: Vec<Batch>, keep: bool) -> Given {
    Given {
        batches: batches.into_iter(),
        keep,
        clashes: Vec::new(),
    }
}

fn flight(n: usize) -> RiskRecord {
    risk(&cover(0), n * 2, &[stream(n, "status"), stream(n, "delay")])
}

/// The flights, and for each number the policy on the flight with that number modulo ten.
fn batch(flights: core::ops::Range<usize>, numbers: core::ops::Range<u64>) -> Batch {
    let on = |number: u64| flight(usize::try_from(number % 10).unwrap()).risk;
    Batch {
        risks: flights.clone().map(flight).collect(),
        looks: flights.map(|n| new_look(n, 50)).collect(),
        policies: numbers.map(|number| policy(&on(number), number)).collect(),
    }
}

/// Risks are shared, whichever batch brings them; the same again changes nothing.
pub async fn add_everything_once<S: Store + 'static>(store: Arc<S>) {
    store.add_cover(&cover(0), &[flight(0)]).await.unwrap();
    let batches = || vec![batch(0..10, 0..30), batch(5..6, 25..60)];
    let mut first = given(batches(), true);
    let imported = store.import(&mut first).await.unwrap();
    let expected = Imported {
        kept: true,
        risks: 9,
        policies: 60,
    };
    assert_eq!((imported, first.clashes.len()), (expected, 0));
    for n in 0..10 {
        let on = store.policies_on(flight(n).risk.id).await.unwrap();
        assert_eq!(on.len(), 6);
        assert_eq!(current(&*store, n).await, new_look(n, 50).look());
        let stored = store.risk(flight(n).risk.id).await.unwrap();
        assert_eq!(stored, Some(flight(n)));
    }
    let again = store.import(&mut given(batches(), true)).await.unwrap();
    let nothing_new = Imported {
        kept: true,
        ..Imported::default()
    };
    assert_eq!(again, nothing_new);
}

/// Nothing of an import stays that is discarded, fails, or has a clash; and every clash is named.
pub async fn add_all_or_none<S: Store + 'static>(store: Arc<S>) {
    store.add_cover(&cover(0), &[flight(0)]).await.unwrap();
    let first = policy(&flight(0).risk, 0);
    store
        .add_policies(std::slice::from_ref(&first))
        .await
        .unwrap();
    let untouched = async || {
        assert_eq!(store.risk(flight(1).risk.id).await.unwrap(), None);
        assert_eq!(store.look(&feed(), &subject(1)).await.unwrap(), None);
        let on = store.policies_on(flight(0).risk.id).await.unwrap();
        assert_eq!(on, std::slice::from_ref(&first));
    };
    let mut discarded = given(vec![batch(0..10, 0..30)], false);
    assert!(!store.import(&mut discarded).await.unwrap().kept);
    untouched().await;

    // One that differs from the stored one, and one from an earlier one of the same import.
    let richer = |number| Policy {
        sum_insured: U256::MAX,
        ..policy(&flight(0).risk, number)
    };
    let mut clashing = batch(0..10, 0..30);
    clashing.policies[0] = richer(0);
    let mut later = batch(0..1, 30..31);
    later.policies.push(richer(20));
    let mut import = given(vec![clashing, later], true);
    assert!(!store.import(&mut import).await.unwrap().kept);
    let clashes = [
        Clash {
            policy: first.id,
            place: 0,
            stored: first.clone(),
        },
        Clash {
            policy: policy(&flight(0).risk, 20).id,
            place: 1,
            stored: policy(&flight(0).risk, 20),
        },
    ];
    assert_eq!(import.clashes, clashes);
    untouched().await;

    let mut homeless = batch(0..10, 0..30);
    homeless.risks.truncate(5);
    let mut unknown_terms = batch(0..10, 0..30);
    unknown_terms
        .risks
        .push(risk(&cover(1), 2, &[stream(1, "status")]));
    let mut other_streams = batch(0..10, 0..30);
    other_streams.risks[0].streams.pop();
    let mut forged = batch(0..10, 0..30);
    forged.policies[7].number = U256::MAX;
    let mut no_flight = batch(0..10, 0..30);
    no_flight.risks[3].risk.id = tocsin_domain::ids::RiskId(hash("nothing"));
    for (broken, fault) in [
        (homeless, Fault::Missing),
        (unknown_terms, Fault::Missing),
        (other_streams, Fault::Conflict),
        (forged, Fault::Refused),
        (no_flight, Fault::Refused),
    ] {
        let batches = vec![batch(1..2, 0..0), broken];
        let failed = store.import(&mut given(batches, true)).await;
        assert_fault(failed, fault);
        untouched().await;
    }
}

/// Who is insured late on a flight with a loss is waited for, as with any other policy.
pub async fn make_work_for_what_was_determined<S: Store + 'static>(store: Arc<S>) {
    store.add_cover(&cover(0), &[flight(0)]).await.unwrap();
    let step = Step {
        determinations: vec![determination(&flight(0).risk, 1, 50)],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), []);
    let mut late = given(vec![batch(0..1, 0..1)], true);
    assert!(store.import(&mut late).await.unwrap().kept);
    assert_eq!(store.unclaimed(9).await.unwrap().len(), 1);
}
