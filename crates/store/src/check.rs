//! What a record must fulfil in itself: asked by every backend on the way in, where a fault is the caller's, and on the
//! way out, where it means that the stored row was damaged or changed by hand.
//!
//! Identifiers are derived from what they identify, so a row whose identifier does not follow from its other columns
//! is found before anybody acts on it.

mod event;
mod polled;

pub use event::{endpoint, event, profile};
pub use polled::{body, look, looked, new_look, response, usage};

use core::fmt;
use std::collections::HashSet;

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolStruct;
use tocsin_domain::attestation::{BatchLeaf, BatchTree, ClaimAttestation};
use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::coverage::Coverage;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::determination::{Determination, Verdict};
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey, EventId, PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::Observation;
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use crate::StoreError;
use crate::attestation::{AttestationRecord, BatchMember, BatchRecord, Reservation, Signed};
use crate::cover::{CoverRecord, RiskRecord};
use crate::coverage::{Finding, Recheck};
use crate::declaration::Declaration;
use crate::halt::{Cause, Halt};
use crate::spread;
use crate::step::SourceProgress;
use crate::warning::NewWarning;

/// What is wrong with a record, in words that follow "is not valid:".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaw(pub String);

impl Flaw {
    /// The fault of who wanted to write it.
    pub fn refused(self, noun: &'static str, key: impl fmt::Display) -> StoreError {
        StoreError::Refused {
            noun,
            key: key.to_string(),
            reason: self.0,
        }
    }

    /// The fault of what is stored.
    pub fn invalid_row(self, noun: &'static str, key: impl fmt::Display) -> StoreError {
        StoreError::InvalidRow {
            noun,
            key: key.to_string(),
            reason: self.0,
        }
    }
}

fn require(fulfilled: bool, flaw: impl FnOnce() -> String) -> Result<(), Flaw> {
    if fulfilled { Ok(()) } else { Err(Flaw(flaw())) }
}

fn derived<T: PartialEq + fmt::Display>(what: &str, given: T, derived: T) -> Result<(), Flaw> {
    require(given == derived, || {
        format!("its {what} is {given}, but {derived} follows from its content")
    })
}

/// Databases end a text at its first NUL character, each in its own way.
fn text(what: &str, text: &str) -> Result<(), Flaw> {
    require(!text.contains('\0'), || {
        format!("its {what} contains a NUL character")
    })
}

/// The hash is the terms'.
pub fn cover(cover: &CoverRecord) -> Result<(), Flaw> {
    text("name", &cover.name)?;
    text("canonical terms", &cover.canonical_terms)?;
    derived(
        "terms hash",
        cover.terms_hash,
        TermsHash(keccak256(&cover.canonical_terms)),
    )
}

/// It is evaluated from a later instant than that of its declaration, and somebody declared it.
pub fn declaration(declaration: &Declaration) -> Result<(), Flaw> {
    text("declared by", &declaration.declared_by)?;
    let Declaration {
        declared_at,
        evaluate_from,
        ..
    } = declaration;
    require(evaluate_from > declared_at, || {
        format!("it would be evaluated from {evaluate_from}, and was declared at {declared_at}")
    })?;
    cover(&declaration.cover)
}

/// The id is derived, and there is something to listen to.
pub fn risk_record(record: &RiskRecord) -> Result<(), Flaw> {
    for stream in &record.streams {
        text("streams", stream.source.as_str())?;
        text("streams", stream.subject.as_str())?;
        text("streams", stream.metric.as_str())?;
    }
    require(!record.streams.is_empty(), || {
        "it listens to no stream".to_owned()
    })?;
    risk(&record.risk)
}

/// The id is derived.
pub fn risk(risk: &Risk) -> Result<(), Flaw> {
    text("subject", &risk.subject)?;
    derived(
        "id",
        risk.id,
        RiskId::derive(risk.terms_hash, &risk.subject, risk.inception),
    )
}

/// Texts that can be stored.
pub fn observation(observation: &Observation) -> Result<(), Flaw> {
    text("source", observation.source.as_str())?;
    text("subject", observation.subject.as_str())?;
    text("metric", observation.metric.as_str())?;
    match &observation.value {
        Some(Value::Text(value)) => text("value", value),
        Some(Value::Decimal(_) | Value::Duration(_) | Value::Bool(_) | Value::Time(_)) | None => {
            Ok(())
        }
    }
}

/// A source does not go back: neither to an earlier block, nor to another block in the place of one that was read, nor
/// to an earlier watermark.
pub fn advance(from: Option<&SourceProgress>, to: &SourceProgress) -> Result<(), Flaw> {
    text("name", to.source.as_str())?;
    let Some(from) = from else { return Ok(()) };
    require(to.cursor.number >= from.cursor.number, || {
        format!(
            "its cursor would go back from block {} to {}",
            from.cursor.number, to.cursor.number
        )
    })?;
    require(
        to.cursor.number != from.cursor.number || to.cursor == from.cursor,
        || {
            format!(
                "block {} was read as {} and would become {}",
                from.cursor.number, from.cursor.hash, to.cursor.hash
            )
        },
    )?;
    require(to.reading == from.reading, || {
        "it is read with other settings than before".to_owned()
    })?;
    require(to.watermark >= from.watermark, || {
        format!(
            "its watermark would go back from {} to {}",
            from.watermark, to.watermark
        )
    })
}

/// What was read begins where reading had ended and ends where it goes on, so that the ranges of a source have no gaps.
pub fn coverage(
    from: Option<&SourceCursor>,
    to: &SourceCursor,
    coverage: Option<&Coverage>,
) -> Result<(), Flaw> {
    let moved = from.is_none_or(|from| from.number != to.number);
    let Some(coverage) = coverage else {
        return require(!moved, || {
            format!(
                "it would move to block {} without saying what was read",
                to.number
            )
        });
    };
    range(coverage)?;
    require(moved, || {
        format!("blocks were read, but its cursor stays at {}", to.number)
    })?;
    require(coverage.last == to.number, || {
        format!(
            "what was read ends with block {}, but its cursor would be at {}",
            coverage.last, to.number
        )
    })?;
    from.map_or(Ok(()), |from| {
        require(from.number.checked_add(1) == Some(coverage.first), || {
            format!(
                "what was read begins with block {}, but it had been read up to {}",
                coverage.first, from.number
            )
        })
    })
}

/// A range of blocks, and somebody who gave it.
pub fn range(coverage: &Coverage) -> Result<(), Flaw> {
    let Coverage {
        first,
        last,
        agreed,
        endpoints,
        proof: _,
    } = coverage;
    ordered(*first, *last)?;
    require(*agreed > 0, || "nobody agreed on what was read".to_owned())?;
    require(!endpoints.is_empty(), || {
        "it does not say who was asked".to_owned()
    })?;
    require(endpoints.is_sorted(), || {
        "its endpoints are not sorted".to_owned()
    })?;
    endpoints
        .iter()
        .try_for_each(|endpoint| text("endpoints", endpoint))
}

fn ordered(first: u64, last: u64) -> Result<(), Flaw> {
    require(first <= last, || {
        format!("its last block {last} is before its first, {first}")
    })
}

/// A range of blocks, and texts that can be stored.
pub fn recheck(recheck: &Recheck) -> Result<(), Flaw> {
    text("source", recheck.source.as_str())?;
    text("endpoint", &recheck.endpoint)?;
    if let Finding::Differs(how) = &recheck.finding {
        text("finding", how)?;
    }
    ordered(recheck.first, recheck.last)
}

/// Two hashes that differ, where there are two, and texts that can be stored.
pub fn halt(halt: &Halt) -> Result<(), Flaw> {
    text("chain", &halt.chain)?;
    text("endpoint", &halt.endpoint)?;
    match &halt.cause {
        Cause::TookBack { ours, theirs } => require(ours != theirs, || {
            format!("block {} is {ours} on both sides", halt.number)
        }),
        Cause::SaysOtherwise(how) => text("cause", how),
    }
}

/// Whether both decide the same. When that was done says nothing about what was decided.
pub fn same_decision(one: &Determination, other: &Determination) -> bool {
    let same_time = Determination {
        determined_at: one.determined_at,
        ..other.clone()
    };
    *one == same_time
}

/// The id is derived, times are in order, and the payout is a fraction. `inception` is that of its risk.
pub fn warning(warning: &NewWarning, inception: Option<Timestamp>) -> Result<(), Flaw> {
    text("subject", &warning.subject)?;
    text("chain", &warning.chain)?;
    require(warning.ordinal > 0, || {
        "loss events are numbered from 1".to_owned()
    })?;
    derived(
        "risk",
        warning.risk,
        RiskId::derive(warning.terms_hash, &warning.subject, inception),
    )?;
    require(warning.confirmed_at >= warning.occurred_at, || {
        format!(
            "it would be confirmed {} before it occurred {}",
            warning.confirmed_at, warning.occurred_at
        )
    })?;
    match &warning.payout {
        Some(Ok(payout)) => fraction(*payout),
        Some(Err(_)) | None => Ok(()),
    }
}

/// Ids are derived, times are in order, and the payout is a fraction. `inception` is that of its risk.
pub fn determination(
    determination: &Determination,
    inception: Option<Timestamp>,
) -> Result<(), Flaw> {
    text("subject", &determination.subject)?;
    for input in determination.inputs.iter().flatten() {
        if let Value::Text(value) = input {
            text("inputs", value)?;
        }
    }
    require(determination.ordinal > 0, || {
        "loss events are numbered from 1".to_owned()
    })?;
    let Determination {
        terms_hash,
        subject,
        ordinal,
        ..
    } = determination;
    derived(
        "risk",
        determination.risk,
        RiskId::derive(*terms_hash, subject, inception),
    )?;
    derived(
        "event id",
        determination.event_id,
        EventId::derive(subject, *ordinal),
    )?;
    require(
        determination.confirmed_at >= determination.occurred_at,
        || {
            format!(
                "it was confirmed {} before it occurred {}",
                determination.confirmed_at, determination.occurred_at
            )
        },
    )?;
    require(
        determination.settled_at >= determination.confirmed_at,
        || {
            format!(
                "it settled {} before it was confirmed {}",
                determination.settled_at, determination.confirmed_at
            )
        },
    )?;
    require(
        determination.determined_at >= determination.settled_at,
        || {
            format!(
                "it was decided {} before it settled {}",
                determination.determined_at, determination.settled_at
            )
        },
    )?;
    require(
        determination.evidence_from <= determination.occurred_at,
        || {
            format!(
                "its evidence begins {}, after it occurred {}",
                determination.evidence_from, determination.occurred_at
            )
        },
    )?;
    determination
        .payout
        .as_ref()
        .map_or(Ok(()), |payout| fraction(*payout))
}

/// A policy is on the risk of its inception, where there is one for each (`inception` is the risk's).
pub fn policy_on(policy: &Policy, inception: Option<Timestamp>) -> Result<(), Flaw> {
    inception.map_or(Ok(()), |inception| {
        require(policy.inception == inception, || {
            format!(
                "it begins at {}, but its risk is that of policies that begin at {inception}",
                policy.inception
            )
        })
    })
}

/// The id is derived.
pub fn policy(policy: &Policy) -> Result<(), Flaw> {
    let derived_id = PolicyId::derive(
        policy.consumer.chain_id,
        policy.consumer.address,
        policy.number,
    );
    derived("id", policy.id, derived_id)
}

/// The fraction is one.
pub fn claim(claim: &Claim) -> Result<(), Flaw> {
    require(claim.ordinal > 0, || {
        "loss events are numbered from 1".to_owned()
    })?;
    match &claim.eligibility {
        Eligibility::Eligible { fraction: part, .. } => fraction(*part),
        Eligibility::Refused(_) => Ok(()),
    }
}

fn fraction(part: Decimal) -> Result<(), Flaw> {
    require(part >= Decimal::ZERO && part <= Decimal::ONE, || {
        format!("the payout fraction {part} is not within 0…1")
    })
}

/// The payload can be read and is a claim that pays; the key and the id are the payload's.
pub fn reservation(reservation: &Reservation) -> Result<(), Flaw> {
    let Reservation {
        domain_separator,
        claim_key,
        attestation_id,
        payload,
    } = reservation;
    signed(*domain_separator, *claim_key, *attestation_id, payload).map(|_claim| ())
}

/// The same of an attestation; its policy is the payload's too.
pub fn attestation(record: &AttestationRecord) -> Result<(), Flaw> {
    let claim = signed(
        record.domain_separator,
        record.claim_key,
        record.id,
        &record.payload,
    )?;
    require(record.ordinal > 0, || {
        "loss events are numbered from 1".to_owned()
    })?;
    derived("policy", record.policy, PolicyId(claim.policyId))
}

/// A batch's id follows from what was signed.
pub fn batch(record: &BatchRecord) -> Result<(), Flaw> {
    require(record.batch.count > 0, || "it is empty".to_owned())?;
    let digest = digest(record.domain_separator, record.batch.eip712_hash_struct());
    derived("batch id", record.id, BatchId(digest))
}

/// The tree over the attestations of a batch: as many as were signed, each once, under the root that was signed.
pub async fn tree(record: &BatchRecord, members: &[BatchMember]) -> Result<BatchTree, Flaw> {
    let leaves = spread::map(members, |member| BatchLeaf::of(member.attestation.id));
    tree_over(record, members, leaves.await)
}

/// [`tree`], of leaves that are hashed already.
pub(crate) fn tree_over(
    record: &BatchRecord,
    members: &[BatchMember],
    leaves: Vec<BatchLeaf>,
) -> Result<BatchTree, Flaw> {
    let count = u32::try_from(members.len()).ok();
    require(count == Some(record.batch.count), || {
        format!(
            "it has {} attestation(s), and {} were signed",
            members.len(),
            record.batch.count
        )
    })?;
    let tree = BatchTree::over(leaves).filter(|tree| {
        let signed = &record.batch;
        tree.batch(signed.issuedAt, signed.signerEpoch) == *signed
    });
    let mut ids = HashSet::with_capacity(members.len());
    for BatchMember { attestation, .. } in members {
        require(ids.insert(attestation.id), || {
            format!("attestation {} is in it twice", attestation.id)
        })?;
    }
    tree.ok_or_else(|| Flaw("its root is of other attestations".to_owned()))
}

/// One of a batch is the attestation at its place in it.
pub fn member(
    record: &BatchRecord,
    tree: &BatchTree,
    place: u32,
    attestation: &AttestationRecord,
) -> Result<(), Flaw> {
    self::attestation(attestation)
        .and_then(|()| in_place(record, tree, place, attestation))
        .map_err(|flaw| Flaw(format!("attestation {}: {}", attestation.id, flaw.0)))
}

fn in_place(
    record: &BatchRecord,
    tree: &BatchTree,
    place: u32,
    attestation: &AttestationRecord,
) -> Result<(), Flaw> {
    let Signed::InBatch {
        batch,
        place: own,
        proof,
    } = &attestation.signed
    else {
        return Err(Flaw("it was signed alone".to_owned()));
    };
    derived("batch", *batch, record.id)?;
    derived("place", *own, place)?;
    require(
        attestation.domain_separator == record.domain_separator,
        || "it is for another verifier".to_owned(),
    )?;
    // Hashing each proof up to the root anew would cost seventeen times what the tree did.
    let sound = usize::try_from(place).is_ok_and(|place| tree.proof(place).as_ref() == Some(proof));
    require(sound, || "its proof is not the one of its place".to_owned())
}

fn signed(
    domain_separator: B256,
    claim_key: ClaimKey,
    id: AttestationId,
    payload: &[u8],
) -> Result<ClaimAttestation, Flaw> {
    let claim = ClaimAttestation::from_bytes(payload).map_err(|error| Flaw(error.to_string()))?;
    require(claim.verdict == Verdict::Triggered as u8, || {
        format!(
            "its payload has verdict {}, which consumes nothing",
            claim.verdict
        )
    })?;
    derived("claim key", claim_key, claim.claim_key())?;
    let digest = digest(domain_separator, claim.struct_hash());
    derived("attestation id", id, AttestationId(digest))?;
    Ok(claim)
}

/// EIP-712: 0x1901 ‖ domain separator ‖ hash of the struct.
fn digest(domain_separator: B256, struct_hash: B256) -> B256 {
    let mut message = Vec::with_capacity(2 + 32 + 32);
    message.extend_from_slice(&[0x19, 0x01]);
    message.extend_from_slice(domain_separator.as_slice());
    message.extend_from_slice(struct_hash.as_slice());
    keccak256(&message)
}
