//! Records that are valid in themselves, told apart by small numbers.

use alloy_primitives::{Address, B256, I256, U256, keccak256};
use alloy_sol_types::SolStruct;
use tocsin_auth::seal::{MasterKey, Seal};
use tocsin_auth::{Environment, KeyId, LifeCycle, Scopes, UnixTime};
use tocsin_domain::attestation::{AttestationDomain, BatchTree, ClaimAttestation};
use tocsin_domain::claim::{Claim, Eligibility, Refusal};
use tocsin_domain::cover::Consumer;
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::ids::{AttestationId, EventId, PolicyId, TermsHash};
use tocsin_domain::observation::{ChainPosition, Observation, Provenance, Sequence, SourceId};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use crate::Store;
use crate::attestation::{AttestationRecord, BatchMember, BatchRecord, Reservation, Signed};
use crate::cover::{CoverRecord, RiskRecord};
use crate::credential::{Credential, Material};
use crate::delivery::{Attempt, NewDelivery};
use crate::event::NewEvent;
use crate::halt::{Cause, Halt};
use crate::log::AuditEntry;
use crate::step::{SourceAdvance, SourceProgress, Step};
use crate::warning::NewWarning;
use crate::webhook::{EndpointId, Filter, NewEndpoint, Profile, Registration};

/// The settlement chain of the samples.
pub const CHAIN: u64 = 31_337;
/// Later than every back-off.
pub const LATE: Timestamp = Timestamp(i64::MAX);

/// The `seconds`-th second of the samples' time.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(1_678_000_000 + seconds)
}

/// A hash of its own for every `name`.
pub fn hash(name: impl core::fmt::Display) -> B256 {
    keccak256(name.to_string())
}

/// An address of its own for every `name`.
pub fn address(name: impl core::fmt::Display) -> Address {
    Address::from_word(hash(name))
}

/// A decimal from its text.
pub fn decimal(text: &str) -> Decimal {
    text.parse().expect("a sample decimal")
}

/// Source `n`.
pub fn source(n: usize) -> SourceId {
    SourceId::from(format!("chainlink:eip155:1:0x{n:040x}"))
}

/// The `subject`-th subject's price as source `from` gives it.
pub fn stream(from: usize, subject: usize) -> Stream {
    Stream {
        source: source(from),
        subject: format!("eip155:1/erc20:0x{subject:040x}").as_str().into(),
        metric: "price".into(),
    }
}

/// Cover `n`, version 1.
pub fn cover(n: usize) -> CoverRecord {
    cover_version(n, 1, "")
}

/// Cover `n` with a version and a remark that changes its terms.
pub fn cover_version(n: usize, version: u64, remark: &str) -> CoverRecord {
    let canonical_terms =
        format!(r#"{{"name":"cover-{n}","title":"{remark}","version":{version}}}"#);
    CoverRecord {
        terms_hash: TermsHash(keccak256(&canonical_terms)),
        name: format!("cover-{n}"),
        version,
        canonical_terms,
    }
}

/// The risk of `subject` under `cover` that listens to `streams`; every other one is of the samples' inception.
pub fn risk(cover: &CoverRecord, subject: usize, streams: &[Stream]) -> RiskRecord {
    RiskRecord {
        risk: Risk::new(
            cover.terms_hash,
            format!("subject-{subject}"),
            (subject % 2 == 1).then(|| at(0)),
            at(0),
        ),
        streams: streams.to_vec(),
        initial_state: vec![0, 1, 2, 0xff],
    }
}

/// What `stream` said at a second, `"0.99"`-like.
pub fn observation(stream: &Stream, second: i64, sequence: u64, price: &str) -> Observation {
    Observation {
        source: stream.source.clone(),
        subject: stream.subject.clone(),
        metric: stream.metric.clone(),
        observed_at: at(second),
        sequence: Sequence(U256::from(sequence)),
        value: Some(Value::Decimal(decimal(price))),
        provenance: Provenance::Chain(position(sequence)),
    }
}

/// A log's place of its own for every `n`.
pub fn position(n: u64) -> ChainPosition {
    ChainPosition {
        chain_id: 1,
        block: 16_000_000 + n % 1_000_000,
        block_hash: hash(format!("block {n}")),
        log_index: (!n.is_multiple_of(5)).then_some(n % 7),
        raw_hash: hash(format!("log {n}")),
    }
}

/// The cursor at block `number`.
pub fn cursor(number: u64) -> SourceCursor {
    SourceCursor {
        number,
        hash: hash(format!("block {number}")),
        timestamp: at(i64::try_from(number).expect("a small block number")),
    }
}

/// What was read on the way from one block to another.
pub fn coverage(from: Option<u64>, to: u64) -> Option<Coverage> {
    (from != Some(to)).then(|| Coverage {
        first: from.map_or(1, |from| from + 1),
        last: to,
        proof: Proof::Root,
        agreed: 2,
        endpoints: vec![
            "https://one.example".to_owned(),
            "https://two.example".to_owned(),
        ],
    })
}

/// Source `n` moves from one block to another, watermark included.
pub fn advance(n: usize, from: Option<u64>, to: u64) -> SourceAdvance {
    SourceAdvance {
        coverage: coverage(from, to),
        from: from.map(cursor),
        to: SourceProgress {
            reading: B256::repeat_byte(7),
            source: source(n),
            cursor: cursor(to),
            watermark: at(i64::try_from(to).expect("a small block number")),
        },
    }
}

/// Halt `n`.
pub fn halt(n: usize) -> Halt {
    Halt {
        chain: "eip155:1".to_owned(),
        number: 10,
        cause: if n.is_multiple_of(3) {
            Cause::SaysOtherwise(format!("{n} observations are not there"))
        } else {
            Cause::TookBack {
                ours: hash("block 10"),
                theirs: hash(format!("block 10 of fork {n}")),
            }
        },
        endpoint: "https://one.example".to_owned(),
        since: at(11),
    }
}

/// What may become loss event `ordinal` of `risk`.
pub fn warning(risk: &Risk, ordinal: u32) -> NewWarning {
    NewWarning {
        risk: risk.id,
        terms_hash: risk.terms_hash,
        subject: risk.subject.clone(),
        ordinal,
        occurred_at: at(100),
        confirmed_at: at(200),
        payout: None,
        chain: "eip155:1".to_owned(),
        block: 12,
        block_hash: hash("block 12"),
    }
}

/// A loss event of `risk`, which occurred at a second and was confirmed a day later.
pub fn determination(risk: &Risk, ordinal: u32, occurred: i64) -> Determination {
    Determination {
        risk: risk.id,
        terms_hash: risk.terms_hash,
        subject: risk.subject.clone(),
        ordinal,
        event_id: EventId::derive(&risk.subject, ordinal),
        occurred_at: at(occurred),
        evidence_from: at(occurred),
        confirmed_at: at(occurred + 86_400),
        settled_at: at(occurred + 86_450),
        determined_at: at(occurred + 86_500),
        payout: Ok(decimal("0.0247")),
        inputs: vec![Ok(Value::Decimal(decimal("0.9753")))],
        guards: vec![Ok(true), Err(Unknown::EmptyWindow { input: 0 }), Ok(false)],
        evidence_root: hash(format!("evidence {ordinal}")),
        evidence_count: 40,
        confirmed_on: Some(position(40)),
    }
}

/// Policy number `number` on `risk`.
pub fn policy(risk: &Risk, number: u64) -> Policy {
    let consumer = Consumer {
        chain_id: CHAIN,
        address: address("consumer"),
    };
    Policy {
        id: PolicyId::derive(consumer.chain_id, consumer.address, U256::from(number)),
        number: U256::from(number),
        consumer,
        terms_hash: risk.terms_hash,
        risk: risk.id,
        holder: address(format!("holder {number}")),
        sum_insured: U256::from(10_000_000_000_u64),
        inception: at(0),
        expiry: at(10_000_000),
    }
}

/// The claim of `policy` on `determination`, eligible for its payout.
pub fn claim(policy: &Policy, determination: &Determination) -> Claim {
    Claim {
        policy: policy.id,
        risk: policy.risk,
        ordinal: determination.ordinal,
        eligibility: Eligibility::Eligible {
            fraction: decimal("0.0247"),
            amount: U256::from(247_000_000_u64),
        },
    }
}

/// The same, refused.
pub fn refused_claim(policy: &Policy, determination: &Determination) -> Claim {
    Claim {
        eligibility: Eligibility::Refused(Refusal::BeforeInception {
            event_at: determination.confirmed_at,
            inception: policy.inception,
        }),
        ..claim(policy, determination)
    }
}

/// What is signed for the claim of `policy` on `determination`.
pub fn payload(policy: &Policy, determination: &Determination) -> ClaimAttestation {
    let seconds = |time: Timestamp| time.to_u64().expect("a sample time after 1970");
    ClaimAttestation {
        policyId: policy.id.0,
        termsHash: policy.terms_hash.0,
        eventId: determination.event_id.0,
        consumer: policy.consumer.address,
        verdict: 1,
        payoutFraction: 24_700_000_000_000_000,
        measuredValue: I256::try_from(975_300_000_000_000_000_i64).expect("a sample number"),
        occurredAt: seconds(determination.occurred_at),
        confirmedAt: seconds(determination.confirmed_at),
        windowStart: seconds(policy.inception),
        windowEnd: seconds(policy.expiry),
        sourceChainId: 1,
        sourceBlock: 16_000_040,
        sourceBlockHash: hash("block 40"),
        evidenceRoot: determination.evidence_root,
        evidenceCount: determination.evidence_count,
        issuedAt: seconds(determination.determined_at),
        validAfter: seconds(determination.determined_at),
        validUntil: seconds(determination.determined_at) + 604_800,
        signerEpoch: 1,
        revision: 0,
        supersedes: B256::ZERO,
    }
}

/// The signing domain of verifier `n`.
pub fn domain(n: usize) -> AttestationDomain {
    AttestationDomain {
        chain_id: CHAIN,
        verifier: address(format!("verifier {n}")),
    }
}

/// The intent to sign `payload` for verifier `n`.
pub fn reservation(n: usize, payload: &ClaimAttestation) -> Reservation {
    Reservation {
        domain_separator: domain(n).domain_separator(),
        claim_key: payload.claim_key(),
        attestation_id: AttestationId(payload.eip712_signing_hash(&domain(n).eip712())),
        payload: payload.to_bytes(),
    }
}

/// The attestation that follows `reservation`.
pub fn attestation(
    reservation: &Reservation,
    policy: &Policy,
    determination: &Determination,
) -> AttestationRecord {
    AttestationRecord {
        id: reservation.attestation_id,
        domain_separator: reservation.domain_separator,
        claim_key: reservation.claim_key,
        policy: policy.id,
        risk: determination.risk,
        ordinal: determination.ordinal,
        payload: reservation.payload.clone(),
        signed: Signed::Alone(vec![7; 97]),
        attested_at: determination.determined_at,
    }
}

/// The batch that vouches for `attestations`, and them as its members, with their deliveries.
pub fn batch(attestations: &[AttestationRecord]) -> (BatchRecord, Vec<BatchMember>) {
    let tree = BatchTree::new(attestations.iter().map(|record| record.id)).expect("some");
    let attested_at = attestations[0].attested_at;
    let signed = tree.batch(attested_at.to_u64().expect("a sample time after 1970"), 1);
    let record = BatchRecord {
        id: domain(0).batch_digest(&signed),
        domain_separator: domain(0).domain_separator(),
        batch: signed,
        signatures: vec![9; 97],
        attested_at,
    };
    let members = attestations
        .iter()
        .enumerate()
        .map(|(place, attestation)| BatchMember {
            attestation: AttestationRecord {
                signed: Signed::InBatch {
                    batch: record.id,
                    place: u32::try_from(place).expect("a small number"),
                    proof: tree.proof(place).expect("a proof of each"),
                },
                ..attestation.clone()
            },
            delivery: Some(delivery(attestation)),
        })
        .collect();
    (record, members)
}

/// The call that delivers it.
pub fn delivery(attestation: &AttestationRecord) -> NewDelivery {
    NewDelivery {
        chain_id: CHAIN,
        consumer: address("consumer"),
        calldata: attestation.payload.clone(),
        not_before: None,
    }
}

/// Signed transaction `n`.
pub fn attempt(n: u64) -> Attempt {
    Attempt {
        hash: hash(format!("transaction {n}")),
        raw: hash(format!("raw {n}")).to_vec(),
        max_fee_per_gas: u128::MAX - u128::from(n),
        max_priority_fee_per_gas: u128::from(n),
        gas_limit: 200_000,
        signed_at: at(i64::try_from(n).expect("a small number")),
    }
}

/// One policy with everything up to its attestation.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The policy.
    pub policy: Policy,
    /// The loss event.
    pub determination: Determination,
    /// Its claim.
    pub claim: Claim,
    /// The reserved payload.
    pub reservation: Reservation,
    /// The attestation.
    pub attestation: AttestationRecord,
}

/// Stores cover 0 and its risk, which listens to stream (0, 0).
pub async fn store_risk<S: Store>(store: &S) -> RiskRecord {
    let cover = cover(0);
    let risk = risk(&cover, 0, &[stream(0, 0)]);
    store
        .add_cover(&cover, core::slice::from_ref(&risk))
        .await
        .unwrap();
    risk
}

/// Stores `count` policies of one risk, its first loss event, their claims and reservations; not yet the attestations.
pub async fn store_reserved<S: Store>(store: &S, count: u64) -> Vec<Paid> {
    let risk = store_risk(store).await.risk;
    let policies: Vec<Policy> = (0..count).map(|number| policy(&risk, number)).collect();
    store.add_policies(&policies).await.unwrap();
    let determination = determination(&risk, 1, 100);
    let step = Step {
        determinations: vec![determination.clone()],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let claims: Vec<Claim> = policies
        .iter()
        .map(|policy| claim(policy, &determination))
        .collect();
    store.add_claims(&claims).await.unwrap();
    let mut reserved = Vec::new();
    for (policy, claim) in policies.into_iter().zip(claims) {
        let reservation = reservation(0, &payload(&policy, &determination));
        store.reserve(&reservation).await.unwrap();
        let attestation = attestation(&reservation, &policy, &determination);
        let determination = determination.clone();
        reserved.push(Paid {
            policy,
            determination,
            claim,
            reservation,
            attestation,
        });
    }
    reserved
}

/// The same with attestations and queued deliveries.
pub async fn store_paid<S: Store>(store: &S, count: u64) -> Vec<Paid> {
    let paid = store_reserved(store, count).await;
    for Paid { attestation, .. } in &paid {
        store
            .add_attestation(attestation, &[delivery(attestation)])
            .await
            .unwrap();
    }
    paid
}

/// The event of the `n`-th second.
pub fn event(n: i64) -> NewEvent {
    NewEvent {
        kind: "claim.accepted".to_owned(),
        at: at(n),
        terms: None,
        holder: None,
        body: format!(r#"{{"n":{n}}}"#),
    }
}

/// Webhook endpoint `n`, which wants everything.
pub fn endpoint(n: u8) -> NewEndpoint {
    NewEndpoint {
        id: EndpointId([n; 16].into()),
        profile: Profile {
            url: format!("https://example.com/{n}"),
            description: String::new(),
            filter: Filter::default(),
        },
        client: (n % 2 == 1).then(|| "client-1".to_owned()),
        created_at: at(0),
    }
}

/// The same, with all that its registration says.
pub fn registration(n: u8) -> Registration {
    let endpoint = endpoint(n);
    let id = KeyId::new(Environment::Test, [100_u8.wrapping_add(n); 16]);
    let seal = Seal::new(MasterKey::new(&[7; 32]).unwrap(), Vec::new());
    let created_at = UnixTime(endpoint.created_at.0);
    let secret = Credential {
        owner: endpoint.id.owner(),
        material: Material::Secret(seal.seal(id.as_str(), &[n; 32]).unwrap()),
        scopes: Scopes::default(),
        life: LifeCycle::pending(created_at.plus(1_000_000))
            .activate(created_at)
            .unwrap(),
        created_at,
        id,
    };
    Registration {
        audit: said("webhook-registered", endpoint.id),
        endpoint,
        secret,
        answer: None,
    }
}

/// That somebody does something to an endpoint.
pub fn said(action: &str, endpoint: EndpointId) -> AuditEntry {
    AuditEntry {
        at: at(0),
        action: action.to_owned(),
        actor: Some("client-1".to_owned()),
        subject: endpoint.to_string(),
        detail: serde_json::json!({}),
    }
}
