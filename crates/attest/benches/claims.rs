//! Claims from payload to durable attestation, on a real store: 100,000 as one batch, and thousands that are signed one
//! by one in turns of 256, each against SQLite's own copying of the same rows in the same run.
//!
//! `cargo bench -p tocsin-attest --bench claims`; ends with a failure where a batch takes longer than 3 s, or fewer than
//! 2,000 claims a second are signed.
#![expect(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "a benchmark measures rates, and fails as tests do"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tocsin_attest::{Attested, AttestedBatch, Attestor, KeySettings, Signer};
use tocsin_domain::attestation::{ClaimAttestation, SignerSet};
use tocsin_domain::claim::Claim;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::policy::Policy;
use tocsin_store::attestation::{
    AttestationRecord, Attestations, BatchMember, BatchRecord, Issued, Signed,
};
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample;
use tocsin_store::policy::Policies;
use tocsin_store::step::{Step, Steps};
use tocsin_store_sqlite::SqliteStore;

const BATCH: u64 = 100_000;
const SINGLE: u64 = 8_192;
const TURN: usize = 256;
const ROUNDS: usize = 3;

/// A batch may take so long.
const BATCH_BOUND: Duration = Duration::from_secs(3);
/// So many claims a second must be signed one by one.
const SINGLE_BOUND: f64 = 2_000.0;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut batches: Vec<Duration> = Vec::new();
    let mut copies = Vec::new();
    for _ in 0..ROUNDS {
        let folder = TempDir::new().unwrap();
        let (whole, copied) = runtime.block_on(one_batch(folder.path()));
        batches.push(whole);
        copies.push(copied);
    }
    let (batch, copy) = (median(&mut batches), median(&mut copies));
    println!(
        "a batch of {BATCH}: {batch:.2?}, of which SQLite's own copying of the same rows takes {copy:.2?}"
    );
    let mut singles = Vec::new();
    for _ in 0..ROUNDS {
        let folder = TempDir::new().unwrap();
        singles.push(runtime.block_on(one_by_one(folder.path())));
    }
    let single = median(&mut singles);
    let count = u32::try_from(SINGLE).unwrap();
    let rate = f64::from(count) / single.as_secs_f64();
    println!("{SINGLE} claims one by one, {TURN} in a turn: {single:.2?}, {rate:.0} claims/s");
    if batch > BATCH_BOUND || rate < SINGLE_BOUND {
        println!("too slow: {BATCH_BOUND:?} for a batch, {SINGLE_BOUND:.0} claims/s one by one");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn median(samples: &mut [Duration]) -> Duration {
    samples.sort();
    samples[samples.len() / 2]
}

fn attestor() -> Attestor {
    let key =
        SecretString::from("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
    let signer = Signer::open(&KeySettings::Raw { key }).unwrap();
    let signers = SignerSet::new(1, 1, vec![signer.address()]).unwrap();
    Attestor::new(sample::domain(0), signers, signer).unwrap()
}

/// A store with so many claims that wait to be attested.
async fn waiting(folder: &Path, count: u64) -> (SqliteStore, Vec<Policy>, Vec<ClaimAttestation>) {
    let store = SqliteStore::open(&folder.join("tocsin.db")).await.unwrap();
    let risk = sample::store_risk(&store).await.risk;
    let policies: Vec<Policy> = (0..count)
        .map(|number| sample::policy(&risk, number))
        .collect();
    store.add_policies(&policies).await.unwrap();
    let determination = sample::determination(&risk, 1, 100);
    let step = Step {
        determinations: vec![determination.clone()],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let claims: Vec<Claim> = policies
        .iter()
        .map(|policy| sample::claim(policy, &determination))
        .collect();
    store.add_claims(&claims).await.unwrap();
    let payloads = policies
        .iter()
        .map(|policy| sample::payload(policy, &determination))
        .collect();
    (store, policies, payloads)
}

fn record(
    policy: &Policy,
    (id, claim_key): (AttestationId, ClaimKey),
    attestation: &ClaimAttestation,
    signed: Signed,
) -> AttestationRecord {
    AttestationRecord {
        id,
        domain_separator: sample::domain(0).domain_separator(),
        claim_key,
        policy: policy.id,
        risk: policy.risk,
        ordinal: 1,
        payload: attestation.to_bytes(),
        signed,
        attested_at: sample::at(200_000),
    }
}

async fn one_batch(folder: &Path) -> (Duration, Duration) {
    let (store, policies, payloads) = waiting(folder, BATCH).await;
    let attestor = attestor();
    let begun = Instant::now();
    let outcome = attestor
        .attest_batch(&store, &payloads, 200_000)
        .await
        .unwrap();
    assert!(outcome.refused.is_empty());
    let signed = begun.elapsed();
    let (batch, members) = recorded(&policies, outcome.signed.unwrap());
    store.add_batch(&batch, &members).await.unwrap();
    let whole = begun.elapsed();
    println!(
        "  reserved, rooted and signed in {signed:.2?}, stored with proofs in {:.2?}",
        whole - signed
    );
    assert_eq!(store.unattested(1).await.unwrap(), []);
    store.close().await;
    (whole, bare(folder).await)
}

fn recorded(policies: &[Policy], attested: AttestedBatch) -> (BatchRecord, Vec<BatchMember>) {
    let batch = BatchRecord {
        id: attested.id,
        domain_separator: sample::domain(0).domain_separator(),
        batch: attested.batch,
        signatures: attested.signatures.encode(),
        attested_at: sample::at(200_000),
    };
    let members = (0..).zip(attested.included).map(|(place, included)| {
        let signed = Signed::InBatch {
            batch: batch.id,
            place,
            proof: included.proof,
        };
        BatchMember {
            attestation: record(
                &policies[included.given],
                (included.id, included.claim_key),
                &included.attestation,
                signed,
            ),
            delivery: None,
        }
    });
    let members = members.collect();
    (batch, members)
}

async fn one_by_one(folder: &Path) -> Duration {
    let (store, policies, payloads) = waiting(folder, SINGLE).await;
    let attestor = attestor();
    let begun = Instant::now();
    for (policies, payloads) in policies.chunks(TURN).zip(payloads.chunks(TURN)) {
        let attested = attestor.attest_each(&store, payloads).await.unwrap();
        let records: Vec<_> = attested
            .into_iter()
            .zip(policies)
            .map(|(attested, policy)| {
                let Attested {
                    attestation,
                    signatures,
                    id,
                    claim_key,
                } = attested.unwrap();
                let signed = Signed::Alone(signatures.encode());
                record(policy, (id, claim_key), &attestation, signed)
            })
            .collect();
        let issued: Vec<_> = records
            .iter()
            .map(|attestation| Issued {
                attestation,
                deliveries: &[],
            })
            .collect();
        store.add_attestations(&issued).await.unwrap();
    }
    let whole = begun.elapsed();
    assert_eq!(store.unattested(1).await.unwrap(), []);
    store.close().await;
    whole
}

/// How long SQLite takes to copy the rows of the batch into a new database by itself, in one transaction: no hashing, no
/// signature, no checks but the schema's.
async fn bare(folder: &Path) -> Duration {
    let path = folder.join("bare.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .foreign_keys(false)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await.unwrap();
    let attach = format!(
        "ATTACH DATABASE '{}' AS taken",
        folder.join("tocsin.db").display()
    );
    sqlx::raw_sql(AssertSqlSafe(attach))
        .execute(&mut connection)
        .await
        .unwrap();
    let copy = ["statements", "batches", "batch_nodes", "attestations"]
        .map(|table| format!("INSERT INTO main.{table} SELECT * FROM taken.{table};"));
    let begun = Instant::now();
    let statements = format!("BEGIN IMMEDIATE; {} COMMIT;", copy.concat());
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .unwrap();
    let whole = begun.elapsed();
    connection.close().await.unwrap();
    whole
}
