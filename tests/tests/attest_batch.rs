//! A batch is signed only over what is reserved, on the real store: after crashes, beside single signatures, and against
//! other statements.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use alloy::primitives::{Address, B256, U256, address};
use async_trait::async_trait;
use secrecy::SecretString;
use tocsin_attest::{AttestError, AttestedBatch, Attestor, KeySettings, Signer};
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation, Membership, SignerSet};
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};
use tocsin_store_sqlite::SqliteStore;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31337,
    verifier: address!("5a974b3ca009835eb268c14bf9321952f1cf169e"),
};

fn attestor() -> Attestor {
    let key =
        SecretString::from("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
    let signer = Signer::open(&KeySettings::Raw { key }).unwrap();
    let signers = SignerSet::new(1, 1, vec![signer.address()]).unwrap();
    Attestor::new(DOMAIN, signers, signer).unwrap()
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

fn claims(policies: impl IntoIterator<Item = u64>, issued_at: u64) -> Vec<ClaimAttestation> {
    let claim = |policy| claim(policy, issued_at, 7);
    policies.into_iter().map(claim).collect()
}

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("tocsin.db")).await.unwrap()
}

/// As a verifier would.
fn assert_good(signed: &AttestedBatch) {
    signed
        .signatures
        .verify(
            DOMAIN.batch_digest(&signed.batch),
            &attestor().signers_of(1).unwrap(),
        )
        .unwrap();
    assert_eq!(
        usize::try_from(signed.batch.count).unwrap(),
        signed.included.len()
    );
    for included in &signed.included {
        assert_eq!(included.id, DOMAIN.digest(&included.attestation));
        let membership = Membership {
            batch: signed.batch.clone(),
            proof: included.proof.clone(),
        };
        membership
            .check(&included.attestation, included.id)
            .unwrap();
    }
}

#[tokio::test]
async fn a_crash_before_a_batch_is_stored_is_retried_with_the_reserved_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let first = attestor()
        .attest_batch(&store, &claims(0..20, 1000), 1000)
        .await
        .unwrap();
    let first = first.signed.unwrap();
    assert_good(&first);
    store.close().await;

    // The next life comes to the same decisions later, and to some more.
    let store = open(folder.path()).await;
    let again = attestor()
        .attest_batch(&store, &claims(5..30, 2000), 2000)
        .await
        .unwrap();
    assert!(again.refused.is_empty());
    let again = again.signed.unwrap();
    assert_good(&again);
    assert_eq!(again.batch.issuedAt, 2000);
    for included in &again.included {
        let earlier = first
            .included
            .iter()
            .find(|earlier| earlier.claim_key == included.claim_key);
        let issued_at = if earlier.is_some() { 1000 } else { 2000 };
        assert_eq!(included.attestation.issuedAt, issued_at);
        assert!(earlier.is_none_or(|earlier| earlier.id == included.id));
    }
    // A clock that was set back makes no batch that is older than what is in it.
    let back = attestor()
        .attest_batch(&store, &claims(0..3, 500), 500)
        .await
        .unwrap();
    let back = back.signed.unwrap();
    assert_good(&back);
    assert_eq!(back.batch.issuedAt, 1000);
}

#[tokio::test]
async fn what_must_not_be_signed_is_left_out_and_the_others_are_signed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let taken = attestor().attest(&store, &claim(2, 1000, 8)).await.unwrap();
    let mut payloads = claims(0..6, 2000);
    payloads[3].verdict = 2;
    payloads[4].signerEpoch = 9;
    payloads.push(payloads[0].clone());
    let outcome = attestor()
        .attest_batch(&store, &payloads, 2000)
        .await
        .unwrap();
    let signed = outcome.signed.unwrap();
    assert_good(&signed);
    let given: Vec<usize> = signed.included.iter().map(|one| one.given).collect();
    assert_eq!(given, [0, 1, 5]);
    let refused: BTreeMap<usize, AttestError> = outcome.refused.into_iter().collect();
    assert!(
        matches!(&refused[&2], AttestError::Conflict { reserved, .. } if *reserved == taken.id)
    );
    assert!(matches!(refused[&3], AttestError::NotAClaim { verdict: 2 }));
    assert!(matches!(refused[&4], AttestError::OtherEpoch { .. }));
    assert!(matches!(refused[&6], AttestError::TwiceInBatch { .. }));
    assert_eq!(refused.len(), 4);

    let none = attestor()
        .attest_batch(&store, &[claim(2, 3000, 9)], 3000)
        .await
        .unwrap();
    assert_eq!((none.signed, none.refused.len()), (None, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_batches_and_single_attempts_at_once_one_payload_is_signed_for_each_claim() {
    const POLICIES: u64 = 40;
    const ATTEMPTS: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).await);
    let together = Arc::new(Barrier::new(usize::try_from(ATTEMPTS).unwrap()));
    let mut attempts = JoinSet::new();
    for attempt in 0..ATTEMPTS {
        let (store, together) = (Arc::clone(&store), Arc::clone(&together));
        attempts.spawn(async move {
            let mut payloads: Vec<ClaimAttestation> = (0..POLICIES)
                .map(|policy| claim(policy, 1000 + attempt, 1 + attempt % 2))
                .collect();
            if attempt % 3 == 0 {
                payloads.reverse();
            }
            let attestor = attestor();
            together.wait().await;
            let mut signed: Vec<(ClaimKey, AttestationId)> = Vec::new();
            if attempt < ATTEMPTS / 2 {
                for chunk in payloads.chunks(7) {
                    let outcome = attestor.attest_batch(&*store, chunk, 2000).await.unwrap();
                    let batch = outcome.signed.into_iter();
                    let included = batch.flat_map(|batch| batch.included);
                    signed.extend(included.map(|included| (included.claim_key, included.id)));
                }
            } else {
                for payload in &payloads {
                    if let Ok(one) = attestor.attest(&*store, payload).await {
                        signed.push((one.claim_key, one.id));
                    }
                }
            }
            signed
        });
    }
    let mut by_key: BTreeMap<ClaimKey, BTreeSet<AttestationId>> = BTreeMap::new();
    for (key, id) in attempts.join_all().await.into_iter().flatten() {
        by_key.entry(key).or_default().insert(id);
    }
    assert_eq!(by_key.len(), usize::try_from(POLICIES).unwrap());
    assert!(by_key.values().all(|ids| ids.len() == 1), "{by_key:?}");
}

/// A store that forgets some of its answers.
struct Forgetful;

#[async_trait]
impl Reservations for Forgetful {
    async fn reserve_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        Ok(vec![Reserved::New; wanted.len() - 1])
    }

    async fn restate_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        self.reserve_all(wanted).await
    }

    async fn statements(&self, _: B256, _: ClaimKey) -> Result<Vec<Reservation>, StoreError> {
        Ok(Vec::new())
    }
}

/// A store that is busy.
struct Busy;

#[async_trait]
impl Reservations for Busy {
    async fn reserve_all(&self, _: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        Err(StoreError::Busy {
            attempt: "reserve claim keys",
            source: "locked".into(),
        })
    }

    async fn restate_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        self.reserve_all(wanted).await
    }

    async fn statements(&self, _: B256, _: ClaimKey) -> Result<Vec<Reservation>, StoreError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn nothing_is_signed_where_not_every_reservation_is_answered() {
    let payloads = claims(0..4, 1000);
    let error = attestor().attest_batch(&Forgetful, &payloads, 1000).await;
    let error = error.unwrap_err();
    assert!(
        matches!(
            error,
            AttestError::Unanswered {
                asked: 4,
                answered: 3
            }
        ),
        "{error}"
    );
    let error = attestor().attest_batch(&Busy, &payloads, 1000).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, AttestError::ReserveBatch { count: 4, .. }),
        "{error}"
    );
    assert!(error.is_transient());
}
