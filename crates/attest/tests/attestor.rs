//! What an attestor refuses before and after it asks the store. That exactly one payload is signed, whatever happens, is
//! tested on the real store in the workspace's end-to-end tests.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy::primitives::{Address, B256, address};
use async_trait::async_trait;
use secrecy::SecretString;
use tocsin_attest::{AttestError, Attestor, KeySettings, Signer};
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation, Epoch, SignerSet};
use tocsin_domain::ids::ClaimKey;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};

const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31337,
    verifier: address!("5a974b3ca009835eb268c14bf9321952f1cf169e"),
};
const EPOCH: u32 = 4;

fn signer() -> Signer {
    let key =
        SecretString::from("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
    Signer::open(&KeySettings::Raw { key }).unwrap()
}

fn attestor() -> Attestor {
    let signers = vec![
        Address::with_last_byte(1),
        signer().address(),
        Address::repeat_byte(0xff),
    ];
    Attestor::new(DOMAIN, SignerSet::new(EPOCH, 1, signers).unwrap(), signer()).unwrap()
}

fn claim() -> ClaimAttestation {
    ClaimAttestation {
        policyId: B256::repeat_byte(1),
        termsHash: B256::repeat_byte(2),
        eventId: B256::repeat_byte(3),
        consumer: Address::repeat_byte(4),
        verdict: 1,
        payoutFraction: 250_000_000_000_000_000,
        occurredAt: 10,
        confirmedAt: 20,
        windowEnd: 100,
        issuedAt: 30,
        validAfter: 30,
        validUntil: 90,
        signerEpoch: EPOCH,
        ..ClaimAttestation::from_bytes(&[0; 22 * 32]).unwrap()
    }
}

fn reservation(payload: &ClaimAttestation) -> Reservation {
    Reservation {
        domain_separator: DOMAIN.domain_separator(),
        claim_key: payload.claim_key(),
        attestation_id: DOMAIN.digest(payload),
        payload: payload.to_bytes(),
    }
}

/// What a store could answer after its disk was damaged or its rows were edited by hand.
struct Answers(Reserved);

#[async_trait]
impl Reservations for Answers {
    async fn reserve_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        Ok(wanted.iter().map(|_| self.0.clone()).collect())
    }

    async fn restate_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        self.reserve_all(wanted).await
    }

    async fn statements(&self, _: B256, _: ClaimKey) -> Result<Vec<Reservation>, StoreError> {
        Ok(Vec::new())
    }
}

/// A store that must not be asked.
struct NotAsked;

#[async_trait]
impl Reservations for NotAsked {
    async fn reserve_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        panic!("asked to reserve {wanted:?}")
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
            attempt: "reserve a claim key",
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
async fn a_reserved_claim_is_signed_by_a_quorum_of_one() {
    let attested = attestor()
        .attest(&Answers(Reserved::New), &claim())
        .await
        .unwrap();
    assert_eq!(attested.attestation, claim());
    assert_eq!(attested.id, DOMAIN.digest(&claim()));
    assert_eq!(attested.claim_key, claim().claim_key());
    attested
        .signatures
        .verify(attested.id, &attestor().signers_of(EPOCH).unwrap())
        .unwrap();
    // The second signer of three.
    assert_eq!(
        attested
            .signatures
            .iter()
            .map(|(index, _)| index)
            .collect::<Vec<_>>(),
        [1]
    );
}

#[tokio::test]
async fn what_was_reserved_before_is_signed_instead() {
    let earlier = ClaimAttestation {
        issuedAt: 25,
        validAfter: 26,
        validUntil: 80,
        ..claim()
    };
    let stored = Answers(Reserved::Identical(reservation(&earlier)));
    let attested = attestor().attest(&stored, &claim()).await.unwrap();
    assert_eq!(attested.attestation, earlier);
    assert_eq!(attested.id, DOMAIN.digest(&earlier));
    attested
        .signatures
        .verify(attested.id, &attestor().signers_of(EPOCH).unwrap())
        .unwrap();
}

#[tokio::test]
async fn a_conflict_is_an_alarm() {
    let other = ClaimAttestation {
        payoutFraction: 1,
        ..claim()
    };
    let stored = Answers(Reserved::Conflict(reservation(&other)));
    let error = attestor().attest(&stored, &claim()).await.unwrap_err();
    assert!(matches!(
        error,
        AttestError::Conflict { claim_key, reserved, wanted }
            if claim_key == claim().claim_key()
                && reserved == DOMAIN.digest(&other)
                && wanted == DOMAIN.digest(&claim())
    ));
    assert!(error.to_string().starts_with("ALARM"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_stored_reservation_that_does_not_hold_together_is_not_signed() {
    let good = reservation(&claim());
    let other_claim = reservation(&ClaimAttestation {
        payoutFraction: 1,
        ..claim()
    });
    for damaged in [
        Reservation {
            payload: good.payload[1..].to_vec(),
            ..good.clone()
        },
        Reservation {
            payload: vec![0xff; 22 * 32],
            ..good.clone()
        },
        Reservation {
            payload: other_claim.payload.clone(),
            ..good.clone()
        },
        Reservation {
            domain_separator: B256::ZERO,
            ..good.clone()
        },
        Reservation {
            claim_key: ClaimKey(B256::ZERO),
            ..good.clone()
        },
        // Consistent in itself, but wrongly called identical.
        other_claim,
    ] {
        let stored = Answers(Reserved::Identical(damaged));
        let error = attestor().attest(&stored, &claim()).await.unwrap_err();
        assert!(
            matches!(
                error,
                AttestError::DamagedReservation { .. } | AttestError::UnreadableReservation { .. }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_store_that_does_not_journal_what_is_said_anew_gets_no_signature() {
    let earlier = ClaimAttestation {
        signerEpoch: EPOCH - 1,
        ..claim()
    };
    // Called identical twice: as what was reserved, and as what should have been journaled in its place.
    let stored = Answers(Reserved::Identical(reservation(&earlier)));
    let error = attestor().attest(&stored, &claim()).await.unwrap_err();
    assert!(
        matches!(error, AttestError::DamagedReservation { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_is_reserved_that_could_not_be_signed() {
    for refused in [
        ClaimAttestation {
            verdict: 0,
            ..claim()
        },
        ClaimAttestation {
            verdict: 2,
            ..claim()
        },
        ClaimAttestation {
            verdict: 3,
            ..claim()
        },
        ClaimAttestation {
            eventId: B256::ZERO,
            ..claim()
        },
    ] {
        let error = attestor().attest(&NotAsked, &refused).await.unwrap_err();
        assert!(matches!(error, AttestError::NotAClaim { .. }), "{error}");
    }
    let refused = ClaimAttestation {
        signerEpoch: EPOCH + 1,
        ..claim()
    };
    let error = attestor().attest(&NotAsked, &refused).await.unwrap_err();
    assert!(
        matches!(error, AttestError::UnknownEpoch { epoch: 5 }),
        "{error}"
    );
}

#[tokio::test]
async fn a_busy_store_is_a_reason_to_try_again() {
    let error = attestor().attest(&Busy, &claim()).await.unwrap_err();
    assert!(matches!(error, AttestError::Reserve { .. }), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn an_attestor_is_a_signer_of_its_epoch() {
    let set = |threshold, signers| SignerSet::new(EPOCH, threshold, signers).unwrap();
    let stranger = set(1, vec![Address::repeat_byte(9)]);
    let error = Attestor::new(DOMAIN, stranger, signer()).unwrap_err();
    assert!(
        matches!(error, AttestError::NotASigner { epoch: EPOCH, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains(&signer().address().to_string()),
        "{error}"
    );

    let two = set(2, vec![Address::with_last_byte(1), signer().address()]);
    let attestor = Attestor::new(DOMAIN, two, signer()).unwrap();
    let error = attestor.attest(&NotAsked, &claim()).await.unwrap_err();
    assert!(
        matches!(
            error,
            AttestError::QuorumOfSeveral {
                epoch: EPOCH,
                threshold: 2
            }
        ),
        "{error}"
    );
}

/// Epochs 1 to 3 with this key, of which each begins when the one before has ten seconds left; 4 is somebody else's.
fn overlapping() -> Vec<Epoch> {
    let epoch = |number: u32, signer: Address| Epoch {
        active_from: u64::from(number) * 100,
        sign_until: u64::from(number) * 100 + 110,
        accept_until: u64::from(number) * 100 + 500,
        ..Epoch::unbounded(SignerSet::new(number, 1, vec![signer]).unwrap())
    };
    let own = signer().address();
    let mut epochs: Vec<Epoch> = (1..=3).map(|number| epoch(number, own)).collect();
    epochs.push(epoch(4, Address::repeat_byte(9)));
    epochs
}

#[test]
fn the_newest_epoch_that_signs_and_has_a_key_is_its_seat() {
    let attestor = Attestor::with_keys(DOMAIN, vec![signer()], overlapping());
    let seat = |at: i64| {
        attestor
            .seat(Timestamp(at))
            .map(|seat| seat.epoch().number())
    };
    for (at, epoch) in [(100, 1), (199, 1), (200, 2), (210, 2), (300, 3), (405, 3)] {
        assert_eq!(seat(at).unwrap(), epoch, "at {at}");
    }
    for at in [0, 99, 411, 450, 10_000] {
        let error = seat(at).unwrap_err();
        assert!(
            matches!(error, AttestError::NoSeat { .. }),
            "at {at}: {error}"
        );
    }
    // A revocation takes effect as soon as it is learned; the older one takes over.
    let mut epochs = overlapping();
    epochs[1].revoked = true;
    attestor.learn(epochs);
    assert_eq!(attestor.seat(Timestamp(205)).unwrap().epoch().number(), 1);
    assert!(attestor.seat(Timestamp(250)).is_err());
}

#[tokio::test]
async fn an_epoch_signs_within_its_time_only() {
    let attestor = Attestor::with_keys(DOMAIN, vec![signer()], overlapping());
    for (epoch, issued_at) in [(1, 99), (1, 211), (2, 199), (2, 311)] {
        let payload = ClaimAttestation {
            signerEpoch: epoch,
            issuedAt: issued_at,
            validUntil: 900,
            ..claim()
        };
        let error = attestor.attest(&NotAsked, &payload).await.unwrap_err();
        assert!(matches!(error, AttestError::OutsideEpoch { .. }), "{error}");
    }
}
