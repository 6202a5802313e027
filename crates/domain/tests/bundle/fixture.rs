//! A real case: the USDC depeg of March 2023, on some of its Chainlink rounds.

use alloy_primitives::{Address, B256, Signature, U256, address, keccak256};
use k256::ecdsa::SigningKey;
use tocsin_domain::attestation::{
    AttestationDomain, BatchTree, ClaimAttestation, Membership, QuorumSignature, SignatureSet,
    SignerSet, Validity,
};
use tocsin_domain::bundle::EvidenceBundle;
use tocsin_domain::claim::{self, Claim};
use tocsin_domain::cover::{Consumer, Cover};
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::{InputObservation, LossEvent};
use tocsin_domain::eval::{Start, reference};
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::ids::{AttestationId, EventId, PolicyId};
use tocsin_domain::observation::{ChainPosition, Observation, Provenance, Sequence};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

pub(crate) const CONSUMER: Consumer = Consumer {
    chain_id: 31337,
    address: address!("a63f9c3ebbb992909aa5de13625ae927ce58c1a6"),
};
pub(crate) const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31337,
    verifier: address!("5a974b3ca009835eb268c14bf9321952f1cf169e"),
};
pub(crate) const INCEPTION: Timestamp = Timestamp(1_677_000_000);
pub(crate) const USDC: &str = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";

/// Etherisc's published rule.
pub(crate) const DEPEG: &str = r#"
name    = "usdc-depeg-24h"
title   = "USDC depeg, 24 h without recovery"
version = 1
peril   = "stablecoin-depeg"
consumer = "eip155:31337:0xa63f9c3ebbb992909aa5de13625ae927ce58c1a6"

[inputs.usdc]
metric  = "price"
subject = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
source  = "chainlink:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6"
max_age = "25h"

[trigger]
when  = "holds(usdc <= 0.995, for: 24h, recover: usdc >= 0.999, confirm: observation)"
rearm = "never"

[payout]
fraction = "clamp(1 - usdc, 0, 20%)"

[policy]
waiting         = "72h"
event_time      = "confirmed"
event_inclusion = "[inception, expiry)"
claim_deadline  = "7d"

[finality]
"eip155:1" = "finalized"
"#;

/// Round, updatedAt, answer with 8 decimals: public on-chain record of the Chainlink USDC/USD aggregator, thinned.
pub(crate) const ROUNDS: [(u64, i64, i64); 10] = [
    (856, 1_678_428_059, 100_019_000),
    (857, 1_678_487_255, 99_755_917),
    (858, 1_678_495_091, 99_503_491),
    (859, 1_678_497_491, 99_209_183),
    (894, 1_678_507_247, 94_083_794),
    (983, 1_678_521_083, 88_000_000),
    (1031, 1_678_539_131, 90_950_000),
    (1095, 1_678_577_519, 96_039_907),
    (1101, 1_678_583_399, 97_210_000),
    (1102, 1_678_583_975, 97_530_000),
];

/// What is observed of one input.
pub(crate) type Seen = (usize, i64, u64, Option<Value>);

/// A case that attestors would sign: cover, observations per input, and who signs.
pub(crate) struct Case {
    pub(crate) cover: String,
    pub(crate) seen: Vec<Seen>,
    /// Which of the loss events is attested, counted from 0.
    pub(crate) event: usize,
    pub(crate) evaluate_from: i64,
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) threshold: u8,
}

pub(crate) fn depeg() -> Case {
    let price = |answer: i64| {
        Value::Decimal(
            tocsin_domain::decimal::Decimal::from_scaled(
                alloy_primitives::I256::try_from(answer).unwrap(),
                8,
            )
            .unwrap(),
        )
    };
    Case {
        cover: DEPEG.to_owned(),
        seen: ROUNDS
            .iter()
            .map(|&(round, at, answer)| (0, at, round, Some(price(answer))))
            .collect(),
        event: 0,
        evaluate_from: 1_678_000_000,
        keys: keys(&["a"]),
        threshold: 1,
    }
}

/// In the order of their addresses.
pub(crate) fn keys(names: &[&str]) -> Vec<SigningKey> {
    let key = |name: &&str| SigningKey::from_slice(keccak256(name).as_slice()).unwrap();
    let mut keys: Vec<SigningKey> = names.iter().map(key).collect();
    keys.sort_by_key(address_of);
    keys
}

pub(crate) fn address_of(key: &SigningKey) -> Address {
    Address::from_public_key(key.verifying_key())
}

pub(crate) fn sign(key: &SigningKey, digest: B256) -> QuorumSignature {
    let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    QuorumSignature::new(Signature::from_signature_and_parity(
        signature,
        recovery.is_y_odd(),
    ))
    .unwrap()
}

impl Case {
    /// What a service would have stored, gathered into a bundle.
    pub(crate) fn bundle(&self) -> EvidenceBundle {
        let cover = self.parse();
        let subject = Risk::subject_of(&cover).unwrap_or_else(|| USDC.to_owned());
        let risk = Risk::new(
            cover.terms_hash,
            subject,
            inception(&cover),
            Timestamp(self.evaluate_from),
        );
        let streams = streams(&cover, &risk);
        let observations: Vec<Observation> = self
            .seen
            .iter()
            .map(|seen| observation(&streams, seen))
            .collect();
        let mut events = self.losses(&cover);
        let event = events.remove(self.event);
        let before = self.event.checked_sub(1).map(|before| &events[before]);
        let previous = before.map(|event| event.confirmed_at);
        let rows = evidence::select(
            &streams,
            &observations,
            Extent::of(
                &cover,
                risk.inception,
                event.evidence_from,
                event.settled_at,
            ),
        )
        .unwrap();
        let (evidence_root, evidence_count) = evidence::commit(&rows).unwrap();
        let determination = Determination {
            risk: risk.id,
            terms_hash: cover.terms_hash,
            subject: risk.subject.clone(),
            ordinal: event.ordinal,
            event_id: EventId::derive(&risk.subject, event.ordinal),
            occurred_at: event.occurred_at,
            confirmed_at: event.confirmed_at,
            settled_at: event.settled_at,
            evidence_from: event.evidence_from,
            determined_at: Timestamp(event.settled_at.0 + 60),
            payout: event.payout,
            inputs: event.inputs,
            guards: event.guards,
            evidence_root,
            evidence_count,
            confirmed_on: evidence::confirmed_on(&rows, event.confirmed_at),
        };
        let policy = policy(&cover, &risk);
        let claim = Claim {
            policy: policy.id,
            risk: risk.id,
            ordinal: determination.ordinal,
            eligibility: claim::decide(&cover, &policy, &determination),
        };
        let issued_at = Timestamp(determination.determined_at.0 + 5);
        let validity = Validity {
            issued_at,
            valid_after: issued_at,
            valid_until: Timestamp(issued_at.0 + 1_000_000),
        };
        let attestation =
            ClaimAttestation::for_claim(&cover, &policy, &determination, validity, 3).unwrap();
        let mut bundle = EvidenceBundle {
            terms: cover.canonical_terms,
            risk,
            policy,
            observations: rows,
            determination,
            previous,
            quorum: None,
            claim,
            attestation,
            domain: DOMAIN.into(),
            signers: SignerSet::new(
                3,
                self.threshold,
                self.keys.iter().map(address_of).collect(),
            )
            .unwrap(),
            batch: None,
            signatures: SignatureSet::default(),
            log: None,
        };
        self.sign(&mut bundle);
        bundle
    }

    /// The same, signed as one of a batch of `count`.
    pub(crate) fn batched(&self, count: u8) -> EvidenceBundle {
        let mut bundle = self.bundle();
        let id = bundle.domain.digest(&bundle.attestation);
        let others = (1..count).map(|other| AttestationId(B256::repeat_byte(other)));
        let tree = BatchTree::new([id].into_iter().chain(others)).unwrap();
        bundle.batch = Some(Membership {
            batch: tree.batch(bundle.attestation.issuedAt + 60, 3),
            proof: tree.proof(0).unwrap(),
        });
        self.sign(&mut bundle);
        bundle
    }

    /// Signs whatever the bundle says now, as the first of the keys.
    pub(crate) fn sign(&self, bundle: &mut EvidenceBundle) {
        let digest = bundle.signed().digest();
        bundle.signatures = SignatureSet::default();
        for (index, key) in (0..self.threshold).zip(&self.keys) {
            bundle.signatures.insert(index, sign(key, digest));
        }
    }

    pub(crate) fn parse(&self) -> Cover {
        Cover::parse(&self.cover).unwrap().0
    }

    fn losses(&self, cover: &Cover) -> Vec<LossEvent> {
        let seen: Vec<InputObservation> = self
            .seen
            .iter()
            .map(|(input, at, sequence, value)| InputObservation {
                input: *input,
                observed_at: Timestamp(*at),
                sequence: Sequence(U256::from(*sequence)),
                value: value.clone(),
            })
            .collect();
        let end = seen.iter().map(|row| row.observed_at).max().unwrap();
        let start = Start {
            evaluate_from: Some(Timestamp(self.evaluate_from)),
            inception: inception(cover),
        };
        reference::evaluate(cover, start, &seen, end).events
    }
}

/// Of the one policy, where the cover makes a risk of it.
fn inception(cover: &Cover) -> Option<Timestamp> {
    cover.mentions_inception().then_some(INCEPTION)
}

fn streams(cover: &Cover, risk: &Risk) -> Vec<Stream> {
    cover
        .inputs
        .iter()
        .map(|input| Stream {
            source: input.source.clone().unwrap_or_else(|| "feed:any".into()),
            subject: input
                .subject
                .clone()
                .unwrap_or_else(|| risk.subject.as_str().into()),
            metric: input.metric.clone(),
        })
        .collect()
}

/// Chain sources have a block per second, others a raw response.
fn observation(streams: &[Stream], (input, at, sequence, value): &Seen) -> Observation {
    let stream = streams[*input].clone();
    let block = u64::try_from(*at).unwrap() / 12;
    let raw_hash = keccak256(format!("{at} {sequence}"));
    let provenance = if stream.source.as_str().starts_with("feed:") {
        Provenance::Raw { hash: raw_hash }
    } else {
        Provenance::Chain(ChainPosition {
            chain_id: 1,
            block,
            block_hash: keccak256(block.to_string()),
            log_index: Some(*sequence % 7),
            raw_hash,
        })
    };
    Observation {
        source: stream.source,
        subject: stream.subject,
        metric: stream.metric,
        observed_at: Timestamp(*at),
        sequence: Sequence(U256::from(*sequence)),
        value: value.clone(),
        provenance,
    }
}

fn policy(cover: &Cover, risk: &Risk) -> Policy {
    let number = U256::from(7);
    Policy {
        id: PolicyId::derive(CONSUMER.chain_id, CONSUMER.address, number),
        number,
        consumer: CONSUMER,
        terms_hash: cover.terms_hash,
        risk: risk.id,
        holder: Address::from_word(B256::repeat_byte(0x11)),
        sum_insured: U256::from(10_000_000_000u64),
        inception: INCEPTION,
        expiry: Timestamp(1_709_000_000),
    }
}
