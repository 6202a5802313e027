//! Reservations: a key is given once.

use std::sync::Arc;

use alloy_primitives::U256;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tokio::task::JoinSet;

use crate::Store;
use crate::attestation::{Reservation, Reserved};
use crate::conformance::sample::{
    cover, determination, hash, payload, policy, reservation, risk, stream,
};
use crate::conformance::{Fault, assert_fault};

/// A payload; reservations rest on nothing else that is stored.
fn sample() -> ClaimAttestation {
    let risk = risk(&cover(0), 0, &[stream(0, 0)]).risk;
    payload(&policy(&risk, 1), &determination(&risk, 1, 100))
}

/// The same statement with everything changed that a re-issue may change.
fn reissue(n: u32) -> ClaimAttestation {
    let first = sample();
    ClaimAttestation {
        issuedAt: first.issuedAt + u64::from(n),
        validAfter: first.validAfter + 3600,
        validUntil: first.validUntil + u64::from(n),
        signerEpoch: first.signerEpoch + n,
        revision: n,
        supersedes: hash("the first"),
        ..first
    }
}

/// New the first time, identical ever after; by domain and key.
pub async fn are_given_once<S: Store + 'static>(store: Arc<S>) {
    let here = reservation(0, &sample());
    let elsewhere = reservation(1, &sample());
    assert_eq!(store.reserve(&here).await.unwrap(), Reserved::New);
    assert_eq!(
        store.reserve(&here).await.unwrap(),
        Reserved::Identical(here.clone())
    );
    assert_eq!(store.reserve(&elsewhere).await.unwrap(), Reserved::New);
    assert_eq!(
        store.reserve(&here).await.unwrap(),
        Reserved::Identical(here)
    );
    assert_eq!(
        store.reserve(&elsewhere).await.unwrap(),
        Reserved::Identical(elsewhere)
    );
}

/// Other times, epoch or revision: the answer is what was reserved first.
pub async fn a_reissue_is_identical<S: Store + 'static>(store: Arc<S>) {
    let first = reservation(0, &sample());
    let again = reservation(0, &reissue(1));
    assert_ne!(first.attestation_id, again.attestation_id);
    assert_eq!(store.reserve(&first).await.unwrap(), Reserved::New);
    assert_eq!(
        store.reserve(&again).await.unwrap(),
        Reserved::Identical(first)
    );
}

/// Whatever else differs is an alarm, and what was reserved first stays.
pub async fn another_statement_conflicts<S: Store + 'static>(store: Arc<S>) {
    let first = sample();
    let reserved = reservation(0, &first);
    assert_eq!(store.reserve(&reserved).await.unwrap(), Reserved::New);
    let others = [
        ClaimAttestation {
            payoutFraction: first.payoutFraction + 1,
            ..first.clone()
        },
        ClaimAttestation {
            measuredValue: -first.measuredValue,
            ..first.clone()
        },
        ClaimAttestation {
            occurredAt: first.occurredAt + 1,
            ..first.clone()
        },
        ClaimAttestation {
            confirmedAt: first.confirmedAt + 1,
            ..first.clone()
        },
        ClaimAttestation {
            windowStart: first.windowStart + 1,
            ..first.clone()
        },
        ClaimAttestation {
            windowEnd: first.windowEnd + 1,
            ..first.clone()
        },
        ClaimAttestation {
            sourceChainId: 10,
            ..first.clone()
        },
        ClaimAttestation {
            sourceBlock: first.sourceBlock + 1,
            ..first.clone()
        },
        ClaimAttestation {
            sourceBlockHash: hash("fork"),
            ..first.clone()
        },
        ClaimAttestation {
            evidenceRoot: hash("other evidence"),
            ..first.clone()
        },
        ClaimAttestation {
            evidenceCount: first.evidenceCount + 1,
            ..first.clone()
        },
        // A re-issue that also changes what it says.
        ClaimAttestation {
            evidenceCount: 1,
            ..reissue(1)
        },
    ];
    for other in others {
        let wanted = reservation(0, &other);
        assert_eq!(wanted.claim_key, reserved.claim_key);
        let answer = store.reserve(&wanted).await.unwrap();
        assert_eq!(answer, Reserved::Conflict(reserved.clone()), "{other:?}");
    }
    assert_eq!(
        store.reserve(&reserved).await.unwrap(),
        Reserved::Identical(reserved)
    );
}

/// All at once: exactly one is new, and the others are told about that one.
pub async fn thirty_two_callers_have_one_winner<S: Store + 'static>(store: Arc<S>) {
    let same = (0..32).map(|_| reservation(0, &sample())).collect();
    let (winner, others) = race(&store, same).await;
    assert_eq!(others, vec![Reserved::Identical(winner); 31]);

    let reissues = (0..32).map(|n| reservation(1, &reissue(n))).collect();
    let (winner, others) = race(&store, reissues).await;
    assert_eq!(others, vec![Reserved::Identical(winner); 31]);

    let statements = (0..32)
        .map(|n| {
            reservation(
                2,
                &ClaimAttestation {
                    payoutFraction: n,
                    ..sample()
                },
            )
        })
        .collect();
    let (winner, others) = race(&store, statements).await;
    assert_eq!(others, vec![Reserved::Conflict(winner); 31]);
}

async fn race<S: Store + 'static>(
    store: &Arc<S>,
    reservations: Vec<Reservation>,
) -> (Reservation, Vec<Reserved>) {
    let start = Arc::new(tokio::sync::Barrier::new(reservations.len()));
    let mut callers = JoinSet::new();
    for reservation in reservations {
        let (store, start) = (Arc::clone(store), Arc::clone(&start));
        callers.spawn(async move {
            start.wait().await;
            let answer = store.reserve(&reservation).await.unwrap();
            (reservation, answer)
        });
    }
    let (mut winners, mut others) = (Vec::new(), Vec::new());
    while let Some(finished) = callers.join_next().await {
        match finished.unwrap() {
            (reservation, Reserved::New) => winners.push(reservation),
            (_, answer) => others.push(answer),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    (winners.remove(0), others)
}

/// A key or an id that is not the payload's, and bytes that are no payload that pays, never reach the key.
pub async fn forged_payloads_are_refused<S: Store + 'static>(store: Arc<S>) {
    let good = reservation(0, &sample());
    let other_key = Reservation {
        claim_key: ClaimKey(hash("free")),
        ..good.clone()
    };
    let other_id = Reservation {
        attestation_id: AttestationId(hash("other")),
        ..good.clone()
    };
    let other_domain = Reservation {
        domain_separator: hash("other"),
        ..good.clone()
    };
    let short = Reservation {
        payload: good.payload[1..].to_vec(),
        ..good.clone()
    };
    let empty = Reservation {
        payload: Vec::new(),
        ..good.clone()
    };
    let mut overflowing = good.clone();
    // The verdict, a uint8, is the fifth word.
    overflowing.payload[4 * 32..5 * 32].copy_from_slice(&U256::from(257).to_be_bytes::<32>());
    let negative = reservation(
        0,
        &ClaimAttestation {
            verdict: 2,
            ..sample()
        },
    );
    for forged in [
        other_key,
        other_id,
        other_domain,
        short,
        empty,
        overflowing,
        negative,
    ] {
        assert_fault(store.reserve(&forged).await, Fault::Refused);
    }
    assert_eq!(store.reserve(&good).await.unwrap(), Reserved::New);
}

/// Each has its own answer, in order; a key that is asked for twice is given once.
pub async fn are_given_to_many_at_once<S: Store + 'static>(store: Arc<S>) {
    let risk = risk(&cover(0), 0, &[stream(0, 0)]).risk;
    let decided = determination(&risk, 1, 100);
    let statements: Vec<ClaimAttestation> = (0..5_000)
        .map(|number| payload(&policy(&risk, number), &decided))
        .collect();
    let held = reservation(0, &statements[1]);
    store.reserve(&held).await.unwrap();
    let taken = reservation(0, &statements[2]);
    store.reserve(&taken).await.unwrap();

    let mut wanted: Vec<Reservation> = statements
        .iter()
        .map(|statement| reservation(0, statement))
        .collect();
    let mut other = statements[2].clone();
    other.payoutFraction += 1;
    wanted[2] = reservation(0, &other);
    wanted.push(wanted[0].clone());
    let answers = store.reserve_all(&wanted).await.unwrap();
    assert_eq!(answers.len(), wanted.len());
    assert_eq!(answers[0], Reserved::New);
    assert_eq!(answers[1], Reserved::Identical(held));
    assert_eq!(answers[2], Reserved::Conflict(taken));
    assert!(
        answers[3..5_000]
            .iter()
            .all(|answer| *answer == Reserved::New)
    );
    assert_eq!(answers[5_000], Reserved::Identical(wanted[0].clone()));

    // One forged payload, and nothing is reserved.
    let mut forged = reservation(0, &payload(&policy(&risk, 6_000), &decided));
    forged.claim_key = ClaimKey(hash("another"));
    let honest = reservation(0, &payload(&policy(&risk, 6_001), &decided));
    assert_fault(
        store.reserve_all(&[honest.clone(), forged]).await,
        Fault::Refused,
    );
    assert_eq!(store.reserve(&honest).await.unwrap(), Reserved::New);
    assert_eq!(store.reserve_all(&[]).await.unwrap(), []);
}
