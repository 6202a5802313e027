//! A key service's key and its ways to fail, behind whichever protocol; and an attestor that signs with it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use alloy::primitives::{Address, B256, address};
use async_trait::async_trait;
use k256::ecdsa::{Signature, SigningKey};
use tocsin_attest::{AttestError, Attested, Attestor, Signer};
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation, SignerSet};
use tocsin_domain::ids::ClaimKey;
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};

/// The DER before an uncompressed point of secp256k1 in a SubjectPublicKeyInfo (RFC 5480, SEC 2).
const SPKI: [u8; 23] = [
    0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00,
];

/// What the service does when it is asked to sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    /// Signs, with whatever s comes out.
    Well,
    /// Signs with the s that is high.
    HighS,
    /// Signs with another key than the one it shows.
    OtherKey,
    /// Answers with bytes that are no signature.
    Garbage,
    /// Never answers.
    Silent,
    /// Asks for patience so many times, then signs.
    Throttled(u32),
    /// Lets nobody sign.
    Denied,
}

/// The key in the service.
pub(crate) struct Vault {
    key: SigningKey,
    other: SigningKey,
    mood: Mutex<Mood>,
    /// How often it was asked to sign.
    pub(crate) asked: AtomicU32,
}

/// What it answers to a request to sign.
pub(crate) enum Answer {
    Signature(Vec<u8>),
    Throttled,
    Denied,
}

impl Vault {
    pub(crate) fn new() -> Self {
        let key = |byte| SigningKey::from_slice(&[byte; 32]).unwrap();
        Self {
            key: key(7),
            other: key(8),
            mood: Mutex::new(Mood::Well),
            asked: AtomicU32::new(0),
        }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
        self.asked.store(0, Ordering::SeqCst);
    }

    pub(crate) fn address(&self) -> Address {
        Address::from_public_key(self.key.verifying_key())
    }

    pub(crate) fn public_key_der(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        [&SPKI, point.as_bytes()].concat()
    }

    pub(crate) async fn sign(&self, digest: &[u8]) -> Answer {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        let der = |signature: Signature| Answer::Signature(signature.to_der().as_bytes().to_vec());
        let signed = |key: &SigningKey| key.sign_prehash_recoverable(digest).unwrap().0;
        match mood {
            Mood::Well => der(signed(&self.key)),
            Mood::HighS => der(mirrored(signed(&self.key))),
            Mood::OtherKey => der(signed(&self.other)),
            Mood::Garbage => Answer::Signature(vec![0x30, 0x03, 0x02, 0x01, 0x01]),
            Mood::Silent => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                Answer::Denied
            }
            Mood::Throttled(times) if asked < times => Answer::Throttled,
            Mood::Throttled(_) => der(signed(&self.key)),
            Mood::Denied => Answer::Denied,
        }
    }
}

/// The same signature with the other s; services give either.
fn mirrored(low: Signature) -> Signature {
    let high = Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
    assert!(high.normalize_s().is_some());
    high
}

pub(crate) const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31337,
    verifier: address!("5a974b3ca009835eb268c14bf9321952f1cf169e"),
};

/// A store that has nothing; that it is asked first is tested elsewhere.
pub(crate) struct Fresh;

#[async_trait]
impl Reservations for Fresh {
    async fn reserve_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        Ok(vec![Reserved::New; wanted.len()])
    }

    async fn restate_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        Ok(vec![Reserved::New; wanted.len()])
    }

    async fn statements(&self, _: B256, _: ClaimKey) -> Result<Vec<Reservation>, StoreError> {
        Ok(Vec::new())
    }
}

pub(crate) fn claim(number: u8) -> ClaimAttestation {
    ClaimAttestation {
        policyId: B256::repeat_byte(number),
        eventId: B256::repeat_byte(3),
        consumer: Address::repeat_byte(4),
        verdict: 1,
        signerEpoch: 1,
        ..ClaimAttestation::from_bytes(&[0; 22 * 32]).unwrap()
    }
}

pub(crate) fn attestor(signer: Signer) -> Attestor {
    let signers = SignerSet::new(1, 1, vec![signer.address()]).unwrap();
    Attestor::new(DOMAIN, signers, signer).unwrap()
}

pub(crate) async fn attest(attestor: &Attestor) -> Result<Attested, AttestError> {
    attestor.attest(&Fresh, &claim(1)).await
}

/// The whole of what a key service can do to an attestor, whichever protocol it speaks.
pub(crate) async fn every_mood(vault: &Vault, attestor: &Attestor, throttled: Mood) {
    // Eight statements: by chance alone, half of what a service signs has a high s.
    for mood in [Mood::Well, Mood::HighS] {
        vault.set(mood);
        for number in 0..8 {
            let attested = attestor.attest(&Fresh, &claim(number)).await.unwrap();
            let signers = attestor.signers_of(1).unwrap();
            attested.signatures.verify(attested.id, &signers).unwrap();
        }
    }

    vault.set(Mood::OtherKey);
    let error = attest(attestor).await.unwrap_err();
    assert!(!error.is_transient());
    assert!(said(&error).contains("another key"), "{}", said(&error));

    vault.set(Mood::Garbage);
    let error = attest(attestor).await.unwrap_err();
    assert!(!error.is_transient(), "{}", said(&error));

    vault.set(Mood::Denied);
    let error = attest(attestor).await.unwrap_err();
    assert!(!error.is_transient());
    assert!(said(&error).contains("not authorized"), "{}", said(&error));

    vault.set(throttled);
    let error = attest(attestor).await.unwrap_err();
    assert!(error.is_transient(), "{}", said(&error));

    vault.set(Mood::Silent);
    let error = attest(attestor).await.unwrap_err();
    assert!(error.is_transient(), "{}", said(&error));

    // None of that is remembered.
    vault.set(Mood::Well);
    attest(attestor).await.unwrap();
}

/// An error with all of its causes.
pub(crate) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
