//! Attestors that each look at a price by themselves, and what a service of each would report.

use alloy_primitives::{Address, B256, Signature, U256, address, keccak256};
use k256::ecdsa::SigningKey;
use tocsin_domain::attestation::{AttestationDomain, QuorumSignature, SignerSet};
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::InputObservation;
use tocsin_domain::eval::{Start, reference};
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::ids::EventId;
use tocsin_domain::observation::{ChainPosition, Observation, Provenance, Sequence};
use tocsin_domain::quorum::{Event, ObservationReport, Quorum, SignedReport};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

pub(crate) const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31337,
    verifier: address!("5a974b3ca009835eb268c14bf9321952f1cf169e"),
};
pub(crate) const EPOCH: u32 = 3;
/// Evaluation begins here, and nothing is seen before.
pub(crate) const START: i64 = 1_700_000_000;

/// A sustained breach, so that beginning, confirmation and payout can each differ.
pub(crate) const BREACH: &str = r#"
name    = "low-price"
title   = "A price that stays low"
version = 1

[inputs.price]
metric  = "price"
subject = "token:one"
source  = "feed:desk"

[inputs.rate]
metric  = "rate"
subject = "token:one"
source  = "feed:desk"

[trigger]
when  = "holds(price <= 0.9, for: 10min, confirm: observation)"
rearm = "never"

[payout]
fraction = "clamp(1 - price, 0, 1)"

[guards]
calm = "rate < 0.5"
"#;

/// One observation: input, seconds after [`START`], sequence, thousandths (`None`: no value).
pub(crate) type Seen = (usize, i64, u64, Option<i64>);

pub(crate) fn cover(text: &str) -> Cover {
    Cover::parse(text).unwrap().0
}

/// The same cover whose price is on a chain.
pub(crate) fn on_chain() -> Cover {
    cover(&BREACH.replace(
        "feed:desk",
        "chainlink:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6",
    ))
}

pub(crate) fn rearming() -> Cover {
    cover(&BREACH.replace("rearm = \"never\"", "rearm = \"after 1min\""))
}

pub(crate) struct Attestors {
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) signers: SignerSet,
}

/// `count` attestors with the threshold ⌊2n/3⌋ + 1.
pub(crate) fn attestors(count: u8) -> Attestors {
    let mut keys: Vec<SigningKey> = (0..count)
        .map(|index| key(&format!("attestor {index}")))
        .collect();
    keys.sort_by_key(address_of);
    let addresses = keys.iter().map(address_of).collect();
    Attestors {
        signers: SignerSet::new(EPOCH, 2 * count / 3 + 1, addresses).unwrap(),
        keys,
    }
}

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_slice(keccak256(name).as_slice()).unwrap()
}

fn address_of(key: &SigningKey) -> Address {
    Address::from_public_key(key.verifying_key())
}

pub(crate) fn sign(key: &SigningKey, digest: B256) -> QuorumSignature {
    let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let signature = Signature::from_signature_and_parity(signature, recovery.is_y_odd());
    QuorumSignature::new(signature).unwrap()
}

impl Attestors {
    pub(crate) fn quorum(&self) -> Quorum<'_> {
        Quorum {
            domain: &DOMAIN,
            signers: &self.signers,
        }
    }

    pub(crate) fn threshold(&self) -> usize {
        usize::from(self.signers.threshold())
    }

    /// What the attestor with this index says.
    pub(crate) fn report(&self, index: usize, known: &KnownLoss) -> SignedReport {
        report_by(&self.keys[index], known)
    }
}

pub(crate) fn report_by(key: &SigningKey, known: &KnownLoss) -> SignedReport {
    let (determination, observations) = (&known.determination, &known.observations);
    let statement =
        ObservationReport::of(determination, observations, known.previous, EPOCH).unwrap();
    signed(key, statement, known.observations.clone())
}

pub(crate) fn signed(
    key: &SigningKey,
    statement: ObservationReport,
    observations: Vec<Observation>,
) -> SignedReport {
    SignedReport {
        signature: sign(key, statement.id(&DOMAIN).0),
        statement,
        observations,
    }
}

pub(crate) fn risk(cover: &Cover) -> Risk {
    let subject = Risk::subject_of(cover).unwrap();
    Risk::new(cover.terms_hash, subject, None, Timestamp(START))
}

pub(crate) fn event(cover: &Cover, ordinal: u32) -> Event {
    Event::of(&risk(cover), ordinal)
}

/// A loss event as one attestor determined it.
#[derive(Clone, Debug)]
pub(crate) struct KnownLoss {
    pub(crate) determination: Determination,
    pub(crate) observations: Vec<Observation>,
    pub(crate) previous: Option<Timestamp>,
}

/// What an attestor that sees this determines, `thought` seconds after the loss settled: its loss events in order.
pub(crate) fn determine(cover: &Cover, who: &str, seen: &[Seen], thought: i64) -> Vec<KnownLoss> {
    let risk = risk(cover);
    let streams: Vec<Stream> = cover
        .inputs
        .iter()
        .map(|input| Stream {
            source: input.source.clone().unwrap(),
            subject: input.subject.clone().unwrap(),
            metric: input.metric.clone(),
        })
        .collect();
    let all: Vec<Observation> = seen
        .iter()
        .map(|seen| observation(&streams, who, seen))
        .collect();
    let inputs: Vec<InputObservation> = seen
        .iter()
        .zip(&all)
        .map(|((input, ..), row)| InputObservation {
            input: *input,
            observed_at: row.observed_at,
            sequence: row.sequence,
            value: row.value.clone(),
        })
        .collect();
    let Some(end) = all.iter().map(|row| row.observed_at).max() else {
        return Vec::new();
    };
    let start = Start::from(Some(risk.evaluate_from));
    let mut previous = None;
    let mut losses = Vec::new();
    for event in reference::evaluate(cover, start, &inputs, end).events {
        let extent = Extent::of(cover, None, event.evidence_from, event.settled_at);
        let rows = evidence::select(&streams, &all, extent).unwrap();
        let (evidence_root, evidence_count) = evidence::commit(&rows).unwrap();
        let confirmed_at = event.confirmed_at;
        losses.push(KnownLoss {
            determination: Determination {
                risk: risk.id,
                terms_hash: cover.terms_hash,
                subject: risk.subject.clone(),
                ordinal: event.ordinal,
                event_id: EventId::derive(&risk.subject, event.ordinal),
                occurred_at: event.occurred_at,
                confirmed_at,
                settled_at: event.settled_at,
                evidence_from: event.evidence_from,
                determined_at: Timestamp(event.settled_at.0 + thought),
                payout: event.payout,
                inputs: event.inputs,
                guards: event.guards,
                evidence_root,
                evidence_count,
                confirmed_on: evidence::confirmed_on(&rows, confirmed_at),
            },
            observations: rows,
            previous,
        });
        previous = Some(confirmed_at);
    }
    losses
}

/// The first loss event of [`determine`], which must be there.
pub(crate) fn first(cover: &Cover, who: &str, seen: &[Seen]) -> KnownLoss {
    determine(cover, who, seen, 5).remove(0)
}

/// A feed's raw bytes differ for everybody who asks; a chain is the same for all.
fn observation(streams: &[Stream], who: &str, (input, at, sequence, value): &Seen) -> Observation {
    let stream = streams[*input].clone();
    let provenance = if stream.source.as_str().starts_with("feed:") {
        Provenance::Raw {
            hash: keccak256(format!("{who} {at} {sequence}")),
        }
    } else {
        let block = 18_000_000 + u64::try_from(*at).unwrap() / 12;
        Provenance::Chain(ChainPosition {
            chain_id: 1,
            block,
            block_hash: keccak256(block.to_string()),
            log_index: Some(*sequence % 7),
            raw_hash: keccak256(format!("{at} {sequence}")),
        })
    };
    Observation {
        source: stream.source,
        subject: stream.subject,
        metric: stream.metric,
        observed_at: Timestamp(START + at),
        sequence: Sequence(U256::from(*sequence)),
        value: value.map(|thousandths| {
            let units = alloy_primitives::I256::try_from(thousandths).unwrap();
            Value::Decimal(Decimal::from_scaled(units, 3).unwrap())
        }),
        provenance,
    }
}

/// A fall at `fall`, seen every `every` seconds, that is confirmed at a price of `low` thousandths.
pub(crate) fn fall(fall: i64, every: i64, low: i64) -> Vec<Seen> {
    let mut seen = vec![(0, 0, 1, Some(1000)), (1, 1, 1, Some(100))];
    let mut at = fall;
    for sequence in 2.. {
        seen.push((0, at, sequence, Some(low)));
        if at > fall + 600 {
            return seen;
        }
        at += every;
    }
    unreachable!()
}
