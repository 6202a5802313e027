//! What signing and checking an attestation cost beside the bare curve: `cargo bench -p tocsin-attest`.
//!
//! "bare" is one operation of the library on a ready digest; "attestation" is everything that we do for one statement:
//! hashing the struct in its domain, the signature (with its self-check) or its verification, and the encoding.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has failed"
)]

use std::hint::black_box;

use alloy::primitives::{Address, B256, address, keccak256};
use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use k256::ecdsa::SigningKey;
use secp256k1::{Message, SECP256K1, SecretKey};
use secrecy::SecretString;
use tocsin_attest::{Attestor, KeySettings, Signer};
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation, SignatureSet, SignerSet};
use tocsin_domain::ids::ClaimKey;
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};

const KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31337,
    verifier: address!("5a974b3ca009835eb268c14bf9321952f1cf169e"),
};

/// A store that costs nothing, so that what is measured is signing; the store has benchmarks of its own.
struct Free;

#[async_trait]
impl Reservations for Free {
    async fn reserve_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        Ok(vec![Reserved::New; wanted.len()])
    }

    async fn restate_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        self.reserve_all(wanted).await
    }

    async fn statements(&self, _: B256, _: ClaimKey) -> Result<Vec<Reservation>, StoreError> {
        Ok(Vec::new())
    }
}

fn claim() -> ClaimAttestation {
    ClaimAttestation {
        policyId: B256::repeat_byte(1),
        eventId: B256::repeat_byte(3),
        consumer: Address::repeat_byte(4),
        verdict: 1,
        signerEpoch: 1,
        ..ClaimAttestation::from_bytes(&[0; 22 * 32]).unwrap()
    }
}

fn signing(c: &mut Criterion) {
    let digest = keccak256("statement");
    let bytes: B256 = KEY.parse().unwrap();
    let pure = SigningKey::from_slice(bytes.as_slice()).unwrap();
    let native = SecretKey::from_slice(bytes.as_slice()).unwrap();
    let message = Message::from_digest(digest.0);
    let signer = Signer::open(&KeySettings::Raw {
        key: SecretString::from(KEY),
    })
    .unwrap();
    let signers = SignerSet::new(1, 1, vec![signer.address()]).unwrap();
    let attestor = Attestor::new(DOMAIN, signers.clone(), signer).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();

    let mut group = c.benchmark_group("sign");
    group.bench_function("bare k256", |b| {
        b.iter(|| {
            pure.sign_prehash_recoverable(black_box(digest.as_slice()))
                .unwrap()
        });
    });
    group.bench_function("bare secp256k1", |b| {
        b.iter(|| SECP256K1.sign_ecdsa_recoverable(black_box(&message), &native));
    });
    let payload = claim();
    group.bench_function("attestation", |b| {
        b.iter(|| {
            runtime
                .block_on(attestor.attest(&Free, black_box(&payload)))
                .unwrap()
        });
    });
    group.finish();

    let attested = runtime.block_on(attestor.attest(&Free, &payload)).unwrap();
    let packed = attested.signatures.encode();
    let (pure_signature, recovery) = pure.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let native_signature = SECP256K1.sign_ecdsa_recoverable(&message, &native);

    let mut group = c.benchmark_group("verify");
    group.bench_function("bare k256 recovery", |b| {
        b.iter(|| {
            k256::ecdsa::VerifyingKey::recover_from_prehash(
                black_box(digest.as_slice()),
                &pure_signature,
                recovery,
            )
            .unwrap()
        });
    });
    group.bench_function("bare secp256k1 recovery", |b| {
        b.iter(|| {
            SECP256K1
                .recover_ecdsa(black_box(&message), &native_signature)
                .unwrap()
        });
    });
    group.bench_function("attestation", |b| {
        b.iter(|| {
            let id = DOMAIN.digest(black_box(&payload));
            SignatureSet::parse(black_box(&packed))
                .unwrap()
                .verify(id, &signers)
                .unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, signing);
criterion_main!(benches);
