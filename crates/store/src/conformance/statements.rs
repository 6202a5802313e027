//! Statements: one content for each key, said again as often as need be.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::ClaimKey;
use tokio::task::JoinSet;

use crate::Store;
use crate::attestation::{Reservation, Reserved};
use crate::conformance::sample::{
    attestation, cover, determination, hash, payload, policy, reservation, risk, store_reserved,
    stream,
};
use crate::conformance::{Backend, Fault, assert_fault};

/// What is said of policy `policy`: the fraction is the content, the epoch is not.
fn statement(policy_number: u64, fraction: u64, epoch: u32) -> ClaimAttestation {
    let risk = risk(&cover(0), 0, &[stream(0, 0)]).risk;
    let first = payload(&policy(&risk, policy_number), &determination(&risk, 1, 100));
    ClaimAttestation {
        payoutFraction: fraction,
        signerEpoch: epoch,
        issuedAt: first.issuedAt + u64::from(epoch),
        ..first
    }
}

async fn restate<S: Store>(store: &S, wanted: &Reservation) -> Reserved {
    let mut answers = store
        .restate_all(core::slice::from_ref(wanted))
        .await
        .unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// The newest holds the key, every one may be signed and recorded.
pub async fn follow_a_reservation<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 1).await.remove(0);
    let first = paid.reservation.clone();
    let again = |epoch: u32| {
        let said = payload(&paid.policy, &paid.determination);
        let issued_at = said.issuedAt + u64::from(epoch);
        reservation(
            0,
            &ClaimAttestation {
                signerEpoch: epoch,
                issuedAt: issued_at,
                ..said
            },
        )
    };
    let (second, third) = (again(2), again(3));
    let record = |statement| attestation(statement, &paid.policy, &paid.determination);
    assert_fault(
        store.add_attestation(&record(&second), &[]).await,
        Fault::Conflict,
    );

    assert_eq!(restate(&*store, &second).await, Reserved::New);
    assert_eq!(
        restate(&*store, &second).await,
        Reserved::Identical(second.clone())
    );
    assert_eq!(restate(&*store, &third).await, Reserved::New);
    // An earlier one said once more does not become the newest.
    assert_eq!(
        restate(&*store, &first).await,
        Reserved::Identical(first.clone())
    );
    assert_eq!(
        store.reserve(&first).await.unwrap(),
        Reserved::Identical(third.clone())
    );
    let (domain, key) = (first.domain_separator, first.claim_key);
    let journaled = store.statements(domain, key).await.unwrap();
    assert_eq!(journaled, [first.clone(), second.clone(), third.clone()]);
    assert_eq!(store.statements(hash("other"), key).await.unwrap(), []);
    let free = ClaimKey(hash("free"));
    assert_eq!(store.statements(domain, free).await.unwrap(), []);

    for statement in [&second, &first, &third] {
        store
            .add_attestation(&record(statement), &[])
            .await
            .unwrap();
    }
}

/// A free key is reserved; another content is an alarm, whichever way it comes, and one among many stops no other.
pub async fn keep_to_one_content<S: Store + 'static>(store: Arc<S>) {
    let said = reservation(0, &statement(1, 5, 1));
    assert_eq!(restate(&*store, &said).await, Reserved::New);
    let other = reservation(0, &statement(1, 6, 2));
    let conflict = Reserved::Conflict(said.clone());
    assert_eq!(restate(&*store, &other).await, conflict);
    assert_eq!(store.reserve(&other).await.unwrap(), conflict);
    assert_eq!(
        restate(&*store, &reservation(1, &statement(1, 6, 2))).await,
        Reserved::New
    );

    // In one call: the same key with three statements and another content.
    let many: Vec<Reservation> = [(2, 5, 1), (2, 5, 2), (2, 6, 3), (1, 5, 4), (2, 5, 1)]
        .into_iter()
        .map(|(policy, fraction, epoch)| reservation(0, &statement(policy, fraction, epoch)))
        .collect();
    let answers = store.restate_all(&many).await.unwrap();
    assert_eq!(
        answers,
        [
            Reserved::New,
            Reserved::New,
            Reserved::Conflict(many[1].clone()),
            Reserved::New,
            Reserved::Identical(many[0].clone()),
        ]
    );
    let newest = store.reserve(&many[0]).await.unwrap();
    assert_eq!(newest, Reserved::Identical(many[1].clone()));

    // One forged payload, and nothing is journaled.
    let honest = reservation(0, &statement(3, 5, 1));
    let forged = Reservation {
        claim_key: ClaimKey(hash("another")),
        ..honest.clone()
    };
    assert_fault(
        store.restate_all(&[honest.clone(), forged]).await,
        Fault::Refused,
    );
    assert_eq!(store.reserve(&honest).await.unwrap(), Reserved::New);
    assert_eq!(store.restate_all(&[]).await.unwrap(), []);
}

/// One call: whether it restates, and what of which policy in which epoch.
type Call = (bool, Vec<(u64, u64, u32)>);

fn calls() -> impl Strategy<Value = Vec<Vec<Call>>> {
    let wanted = (0..3_u64, 0..3_u64, 1..4_u32);
    let call = (any::<bool>(), vec(wanted, 1..4));
    vec(vec(call, 1..6), 1..4)
}

/// Calls at the same time, in any number, with restarts between: what may be signed for a key says one thing, and every
/// caller that was told to sign was told a statement of it.
pub fn never_say_two_things<B: Backend>() {
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = TestRunner::new(config).run(&calls(), |rounds| {
        runtime.block_on(async {
            let place = B::fresh().await;
            for round in rounds {
                let store = Arc::new(place.open().await);
                let told = at_once(&store, round).await;
                for policy in 0..3 {
                    check(&*store, policy, &told).await;
                }
                let Ok(store) = Arc::try_unwrap(store) else {
                    panic!("a caller is still there");
                };
                place.close(store).await;
            }
        });
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// What the callers were told that they may sign.
async fn at_once<S: Store + 'static>(store: &Arc<S>, calls: Vec<Call>) -> Vec<Reservation> {
    let start = Arc::new(tokio::sync::Barrier::new(calls.len()));
    let mut callers = JoinSet::new();
    for (restates, wanted) in calls {
        let (store, start) = (Arc::clone(store), Arc::clone(&start));
        callers.spawn(async move {
            let wanted: Vec<Reservation> = wanted
                .into_iter()
                .map(|(policy, fraction, epoch)| {
                    reservation(0, &statement(policy, fraction, epoch))
                })
                .collect();
            start.wait().await;
            let answers = if restates {
                store.restate_all(&wanted).await.unwrap()
            } else {
                store.reserve_all(&wanted).await.unwrap()
            };
            let told = wanted.into_iter().zip(answers);
            told.filter_map(|(wanted, answer)| match answer {
                Reserved::New => Some(wanted),
                Reserved::Identical(stored) => Some(stored),
                Reserved::Conflict(_) | Reserved::Revoked { .. } => None,
            })
            .collect::<Vec<_>>()
        });
    }
    callers.join_all().await.concat()
}

async fn check<S: Store>(store: &S, policy: u64, told: &[Reservation]) {
    let sample = reservation(0, &statement(policy, 0, 1));
    let journaled = store
        .statements(sample.domain_separator, sample.claim_key)
        .await
        .unwrap();
    let said = |one: &Reservation| {
        ClaimAttestation::from_bytes(&one.payload)
            .unwrap()
            .payoutFraction
    };
    let contents: BTreeSet<u64> = journaled.iter().map(said).collect();
    assert!(contents.len() <= 1, "{contents:?}");
    for statement in told.iter().filter(|one| one.claim_key == sample.claim_key) {
        assert!(journaled.contains(statement), "{statement:?}");
    }
}
