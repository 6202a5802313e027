//! What signing and checking an attestation cost beside the bare curve: `cargo bench -p tocsin-attest --bench sign`.
//!
//! "bare" is libsecp256k1 on a ready digest. An attestor checks what it signed before it lets go of it, so the bound of an
//! attestation is one signature and one recovery; that of a verification, one recovery. Ours is everything that is done for
//! one statement: its encoding, its hash in its domain, its reservation (in a store that costs nothing), the form of the
//! signature. Rounds of both take turns, so that other work on the machine hits both. Ends with a failure below 90 %.
#![expect(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "a benchmark measures rates, and fails as tests do"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, address, keccak256};
use async_trait::async_trait;
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
const ROUNDS: usize = 25;
const PER_ROUND: u32 = 400;

/// Of the bare rate.
const BOUND: f64 = 0.9;

/// A store that costs nothing, so that what is measured is signing; the store has benchmarks of its own.
struct Free;

#[async_trait]
impl Reservations for Free {
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

fn main() -> ExitCode {
    let digest = keccak256("statement");
    let bytes: B256 = KEY.parse().unwrap();
    let secret = SecretKey::from_byte_array(bytes.0).unwrap();
    let message = Message::from_digest(digest.0);
    let signature = SECP256K1.sign_ecdsa_recoverable(message, &secret);
    let signer = Signer::open(&KeySettings::Raw {
        key: SecretString::from(KEY),
    })
    .unwrap();
    let signers = SignerSet::new(1, 1, vec![signer.address()]).unwrap();
    let attestor = Attestor::new(DOMAIN, signers.clone(), signer).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let payload = claim();
    let attested = runtime.block_on(attestor.attest(&Free, &payload)).unwrap();
    let packed = attested.signatures.encode();

    let bare_sign = || {
        black_box(SECP256K1.sign_ecdsa_recoverable(black_box(message), &secret));
    };
    let bare_recover = || {
        black_box(SECP256K1.recover_ecdsa(black_box(message), &signature)).unwrap();
    };
    let signing = compare(
        "an attestation, signed and checked",
        || {
            bare_sign();
            bare_recover();
        },
        || {
            let attested = attestor.attest(&Free, black_box(&payload));
            black_box(runtime.block_on(attested)).unwrap();
        },
    );
    // A verifier is one contract's, and knows its domain.
    let separator = DOMAIN.domain_separator();
    let verifying = compare("an attestation, verified", bare_recover, || {
        let id = black_box(&payload).digest_in(separator);
        let set = SignatureSet::parse(black_box(&packed)).unwrap();
        set.verify(id, &signers).unwrap();
    });
    let sign_alone = time(bare_sign);
    println!("bare libsecp256k1 signs alone in {sign_alone:.2?}");
    if signing < BOUND || verifying < BOUND {
        println!("too slow: at least {BOUND} of the bare rate");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// How much of the bare rate ours has, by the medians of rounds that take turns.
fn compare(what: &str, bare: impl Fn(), ours: impl Fn()) -> f64 {
    let (mut bares, mut mine) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bares.push(time(&bare));
        mine.push(time(&ours));
    }
    let (bare, ours) = (median(&mut bares), median(&mut mine));
    let ratio = bare.as_secs_f64() / ours.as_secs_f64();
    println!(
        "{what}: {ours:.2?}, bare {bare:.2?}: {:.1} % of the bare rate",
        ratio * 100.0
    );
    ratio
}

fn time(work: impl Fn()) -> Duration {
    let begun = Instant::now();
    for _ in 0..PER_ROUND {
        work();
    }
    begun.elapsed() / PER_ROUND
}

fn median(samples: &mut [Duration]) -> Duration {
    samples.sort();
    samples[samples.len() / 2]
}
