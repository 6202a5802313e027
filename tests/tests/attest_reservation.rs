//! One claim key is signed for one payload only, on the real store: in parallel, after crashes, and against another
//! statement.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use alloy::primitives::{Address, B256, U256, address};
use secrecy::SecretString;
use tocsin_attest::{AttestError, Attested, Attestor, KeySettings, Signer};
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation, Epoch, SignerSet};
use tocsin_store::attestation::{Reservation, Reservations, Reserved};
use tocsin_store_sqlite::SqliteStore;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31337,
    verifier: address!("5a974b3ca009835eb268c14bf9321952f1cf169e"),
};

fn attestor(domain: AttestationDomain) -> Attestor {
    let key =
        SecretString::from("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
    let signer = Signer::open(&KeySettings::Raw { key }).unwrap();
    let signers = SignerSet::new(1, 1, vec![signer.address()]).unwrap();
    Attestor::new(domain, signers, signer).unwrap()
}

/// A statement on the loss event of one policy, made at `issued_at`.
fn claim(policy: u64, issued_at: u64, fraction: u64) -> ClaimAttestation {
    ClaimAttestation {
        policyId: B256::from(U256::from(policy)),
        termsHash: B256::repeat_byte(2),
        eventId: B256::repeat_byte(3),
        consumer: Address::repeat_byte(4),
        verdict: 1,
        payoutFraction: fraction,
        occurredAt: 10,
        confirmedAt: 20,
        windowEnd: 100,
        issuedAt: issued_at,
        validAfter: issued_at,
        validUntil: issued_at + 100_000,
        signerEpoch: 1,
        ..ClaimAttestation::from_bytes(&[0; 22 * 32]).unwrap()
    }
}

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("tocsin.db")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_attempts_at_once_exactly_one_payload_is_signed() {
    const ROUNDS: u64 = 25;
    const ATTEMPTS: u64 = 12;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).await);
    let attestor = Arc::new(attestor(DOMAIN));
    for policy in 0..ROUNDS {
        let together = Arc::new(Barrier::new(usize::try_from(ATTEMPTS).unwrap()));
        let mut attempts = JoinSet::new();
        for attempt in 0..ATTEMPTS {
            // Two statements that contradict each other, each made at several times.
            let payload = claim(policy, 1000 + attempt, 1 + attempt % 2);
            let (store, attestor, together) = (
                Arc::clone(&store),
                Arc::clone(&attestor),
                Arc::clone(&together),
            );
            attempts.spawn(async move {
                together.wait().await;
                attestor.attest(&*store, &payload).await
            });
        }
        let outcomes: Vec<Result<Attested, AttestError>> = attempts.join_all().await;
        let signed: Vec<&Attested> = outcomes.iter().flatten().collect();
        let ids: BTreeSet<_> = signed.iter().map(|attested| attested.id).collect();
        assert_eq!(ids.len(), 1, "one payload");
        assert!(
            signed.iter().all(|attested| attested == &signed[0]),
            "with one signature"
        );
        let conflicts = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(AttestError::Conflict { reserved, .. }) if *reserved == signed[0].id))
            .count();
        assert_eq!(signed.len(), 6, "those who say the same are given the same");
        assert_eq!(conflicts, 6, "those who say otherwise are refused");
    }
}

#[tokio::test]
async fn a_crash_between_reservation_and_signature_is_retried_with_the_reserved_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let reserved = claim(1, 1000, 7);
    let store = open(folder.path()).await;
    let reservation = Reservation {
        domain_separator: DOMAIN.domain_separator(),
        claim_key: reserved.claim_key(),
        attestation_id: DOMAIN.digest(&reserved),
        payload: reserved.to_bytes(),
    };
    assert_eq!(store.reserve(&reservation).await.unwrap(), Reserved::New);
    store.close().await;

    // The next life comes to the same decision later, and then again.
    for (life, issued_at) in [(2, 2000), (3, 3000)] {
        let store = open(folder.path()).await;
        let attested = attestor(DOMAIN)
            .attest(&store, &claim(1, issued_at, 7))
            .await
            .unwrap();
        assert_eq!(attested.attestation, reserved, "life {life}");
        assert_eq!(attested.id, DOMAIN.digest(&reserved));
        attested
            .signatures
            .verify(attested.id, &attestor(DOMAIN).signers_of(1).unwrap())
            .unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn a_contradiction_stays_refused_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let first = attestor(DOMAIN)
        .attest(&store, &claim(1, 1000, 7))
        .await
        .unwrap();
    store.close().await;

    let contradictions = [
        ClaimAttestation {
            payoutFraction: 8,
            ..claim(1, 1000, 7)
        },
        ClaimAttestation {
            occurredAt: 11,
            ..claim(1, 1000, 7)
        },
        ClaimAttestation {
            evidenceRoot: B256::repeat_byte(9),
            ..claim(1, 1000, 7)
        },
        ClaimAttestation {
            measuredValue: alloy::primitives::I256::ONE,
            ..claim(1, 1000, 7)
        },
        ClaimAttestation {
            sourceBlock: 1,
            ..claim(1, 1000, 7)
        },
    ];
    for contradiction in contradictions {
        let store = open(folder.path()).await;
        let error = attestor(DOMAIN)
            .attest(&store, &contradiction)
            .await
            .unwrap_err();
        assert!(
            matches!(error, AttestError::Conflict { reserved, .. } if reserved == first.id),
            "{error}"
        );
        store.close().await;
    }
    let store = open(folder.path()).await;
    assert_eq!(
        attestor(DOMAIN)
            .attest(&store, &claim(1, 5000, 7))
            .await
            .unwrap(),
        first
    );
}

#[tokio::test]
async fn another_policy_or_another_verifier_is_another_claim() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let payload = claim(1, 1000, 7);
    let first = attestor(DOMAIN).attest(&store, &payload).await.unwrap();
    let other_policy = attestor(DOMAIN)
        .attest(&store, &claim(2, 1000, 8))
        .await
        .unwrap();
    assert_ne!(other_policy.claim_key, first.claim_key);
    for other in [
        AttestationDomain {
            chain_id: 1,
            ..DOMAIN
        },
        AttestationDomain {
            verifier: Address::repeat_byte(7),
            ..DOMAIN
        },
    ] {
        let elsewhere = attestor(other)
            .attest(&store, &claim(1, 2000, 8))
            .await
            .unwrap();
        assert_eq!(elsewhere.claim_key, first.claim_key);
        assert_ne!(elsewhere.id, first.id);
    }
    assert_eq!(
        attestor(DOMAIN).attest(&store, &payload).await.unwrap(),
        first
    );
}

/// Two epochs of one key: the second begins while the first still signs.
fn in_two_epochs() -> Attestor {
    let key =
        SecretString::from("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
    let signer = Signer::open(&KeySettings::Raw { key }).unwrap();
    let epoch = |number: u32, active_from: u64, sign_until: u64| Epoch {
        active_from,
        sign_until,
        ..Epoch::unbounded(SignerSet::new(number, 1, vec![signer.address()]).unwrap())
    };
    let epochs = vec![epoch(1, 0, 5000), epoch(2, 4000, 9000)];
    Attestor::with_keys(DOMAIN, vec![signer], epochs)
}

#[tokio::test]
async fn what_another_epoch_reserved_is_said_anew_under_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let attestor = in_two_epochs();
    let first = attestor.attest(&store, &claim(1, 1000, 7)).await.unwrap();
    let next = ClaimAttestation {
        signerEpoch: 2,
        ..claim(1, 4500, 7)
    };
    let renewed = attestor.attest(&store, &next).await.unwrap();
    assert_eq!(renewed.attestation, next);
    assert_eq!(renewed.claim_key, first.claim_key);
    assert_ne!(renewed.id, first.id);
    // A retry finds the newest statement; the old epoch says nothing else either.
    assert_eq!(attestor.attest(&store, &next).await.unwrap(), renewed);
    let contradiction = ClaimAttestation {
        payoutFraction: 8,
        ..next.clone()
    };
    let error = attestor.attest(&store, &contradiction).await.unwrap_err();
    assert!(matches!(error, AttestError::Conflict { .. }), "{error}");
    let (domain, key) = (DOMAIN.domain_separator(), first.claim_key);
    let journaled = store.statements(domain, key).await.unwrap();
    let ids: Vec<_> = journaled.iter().map(|one| one.attestation_id).collect();
    assert_eq!(ids, [first.id, renewed.id]);
}

#[tokio::test]
async fn what_has_little_time_left_is_said_anew_in_a_batch_beside_what_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let attestor = in_two_epochs();
    // Valid for a thousand seconds each.
    let brief = |policy, issued_at| ClaimAttestation {
        validUntil: issued_at + 1000,
        ..claim(policy, issued_at, 7)
    };
    let old = attestor.attest(&store, &brief(1, 1000)).await.unwrap();
    let fresh = attestor.attest(&store, &brief(2, 1600)).await.unwrap();
    let wanted = [brief(1, 1700), brief(2, 1700)];
    let outcome = attestor.attest_batch(&store, &wanted, 1700).await.unwrap();
    assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    let signed = outcome.signed.unwrap();
    assert_eq!(signed.included[0].attestation, wanted[0]);
    assert_ne!(signed.included[0].id, old.id);
    assert_eq!(signed.included[1].id, fresh.id);
}
