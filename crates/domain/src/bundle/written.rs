//! The members of a bundle file.

mod logged;
mod observation;
mod policy;
mod quorum;
mod written_time;

use alloy_primitives::{B256, U256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use self::logged::WrittenLog;
pub(crate) use self::observation::WrittenObservation;
use self::observation::{WrittenGuard, WrittenInput, WrittenPosition};
use self::policy::WrittenPolicy;
use self::quorum::WrittenQuorum;
use super::{BundleError, EvidenceBundle, FORMAT, LogProof};
use crate::attestation::json::{canonical_word, decimal_text};
use crate::attestation::signatures_json::packed_signatures;
use crate::attestation::{
    AttestationBatch, ClaimAttestation, Membership, SignatureSet, SignerSet, SigningDomain,
};
use crate::claim::{Claim, Eligibility};
use crate::decimal::Decimal;
use crate::determination::Determination;
use crate::ids::EventId;
use crate::observation::{ChainPosition, Observation};
use crate::policy::Policy;
use crate::risk::Risk;
use crate::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    format: String,
    cover: Map<String, Json>,
    risk: WrittenRisk,
    policy: WrittenPolicy,
    observations: Vec<WrittenObservation>,
    determination: WrittenDetermination,
    /// Only of a quorum whose attestors saw by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quorum: Option<WrittenQuorum>,
    claim: WrittenClaim,
    attestation: ClaimAttestation,
    domain: SigningDomain,
    signers: SignerSet,
    /// Only of an attestation that was signed as one of a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<WrittenMembership>,
    #[serde(with = "packed_signatures")]
    signatures: SignatureSet,
    /// Only once a signed state of the eligibility log has the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<WrittenLog>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRisk {
    subject: String,
    /// Where the terms ask for it.
    #[serde(with = "written_time::optional")]
    inception: Option<Timestamp>,
    #[serde(with = "written_time")]
    evaluate_from: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDetermination {
    #[serde(with = "decimal_text")]
    ordinal: u32,
    #[serde(with = "written_time::optional")]
    previous_confirmed_at: Option<Timestamp>,
    #[serde(with = "canonical_word")]
    event_id: B256,
    #[serde(with = "written_time")]
    occurred_at: Timestamp,
    #[serde(with = "written_time")]
    confirmed_at: Timestamp,
    #[serde(with = "written_time")]
    settled_at: Timestamp,
    #[serde(with = "written_time")]
    evidence_from: Timestamp,
    #[serde(with = "written_time")]
    determined_at: Timestamp,
    #[serde(with = "decimal_text")]
    payout_fraction: Decimal,
    /// In the order of the cover's inputs.
    inputs: Vec<WrittenInput>,
    /// In the order of the cover's guards.
    guards: Vec<WrittenGuard>,
    #[serde(with = "canonical_word")]
    evidence_root: B256,
    #[serde(with = "decimal_text")]
    evidence_count: u32,
    confirmed_on: Option<WrittenPosition>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClaim {
    #[serde(with = "decimal_text")]
    fraction: Decimal,
    #[serde(with = "decimal_text")]
    amount: U256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMembership {
    signed: AttestationBatch,
    proof: Vec<WrittenWord>,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct WrittenWord(#[serde(with = "canonical_word")] B256);

impl From<&Membership> for WrittenMembership {
    fn from(membership: &Membership) -> Self {
        Self {
            signed: membership.batch.clone(),
            proof: membership.proof.iter().copied().map(WrittenWord).collect(),
        }
    }
}

impl From<WrittenMembership> for Membership {
    fn from(written: WrittenMembership) -> Self {
        Self {
            batch: written.signed,
            proof: written
                .proof
                .into_iter()
                .map(|WrittenWord(word)| word)
                .collect(),
        }
    }
}

impl Written {
    pub(super) fn of(bundle: &EvidenceBundle) -> Result<Self, BundleError> {
        bundle.check_unity()?;
        let EvidenceBundle {
            risk,
            determination,
            ..
        } = bundle;
        let Eligibility::Eligible { fraction, amount } = bundle.claim.eligibility else {
            return Err(BundleError::NotPaid);
        };
        let Ok(payout_fraction) = determination.payout else {
            return Err(BundleError::NotPaid);
        };
        let cover: Map<String, Json> = serde_json::from_str(&bundle.terms)?;
        if serde_jcs::to_string(&cover)? != bundle.terms {
            return Err(BundleError::Terms);
        }
        Ok(Self {
            format: FORMAT.to_owned(),
            cover,
            risk: WrittenRisk {
                subject: risk.subject.clone(),
                inception: risk.inception,
                evaluate_from: risk.evaluate_from,
            },
            policy: WrittenPolicy::from(&bundle.policy),
            observations: bundle
                .observations
                .iter()
                .map(WrittenObservation::from)
                .collect(),
            determination: WrittenDetermination {
                ordinal: determination.ordinal,
                previous_confirmed_at: bundle.previous,
                event_id: determination.event_id.0,
                occurred_at: determination.occurred_at,
                confirmed_at: determination.confirmed_at,
                settled_at: determination.settled_at,
                evidence_from: determination.evidence_from,
                determined_at: determination.determined_at,
                payout_fraction,
                inputs: determination
                    .inputs
                    .iter()
                    .map(WrittenInput::from)
                    .collect(),
                guards: determination
                    .guards
                    .iter()
                    .map(WrittenGuard::from)
                    .collect(),
                evidence_root: determination.evidence_root,
                evidence_count: determination.evidence_count,
                confirmed_on: determination.confirmed_on.map(WrittenPosition::from),
            },
            quorum: match &bundle.quorum {
                None => None,
                Some(evidence) => Some(WrittenQuorum::of(evidence, &bundle.observations)?),
            },
            claim: WrittenClaim { fraction, amount },
            attestation: bundle.attestation.clone(),
            domain: bundle.domain,
            signers: bundle.signers.clone(),
            batch: bundle.batch.as_ref().map(WrittenMembership::from),
            signatures: bundle.signatures.clone(),
            log: bundle.log.as_ref().map(WrittenLog::from),
        })
    }

    pub(super) fn into_bundle(self) -> Result<EvidenceBundle, BundleError> {
        let policy = Policy::from(self.policy);
        let risk = Risk::new(
            policy.terms_hash,
            self.risk.subject,
            self.risk.inception,
            self.risk.evaluate_from,
        );
        let loss = self.determination;
        let observations: Vec<Observation> = self
            .observations
            .into_iter()
            .map(Observation::from)
            .collect();
        let quorum = self
            .quorum
            .map(|written| written.into_evidence(&observations))
            .transpose()?;
        Ok(EvidenceBundle {
            terms: serde_jcs::to_string(&self.cover)?,
            observations,
            quorum,
            determination: Determination {
                risk: risk.id,
                terms_hash: risk.terms_hash,
                subject: risk.subject.clone(),
                ordinal: loss.ordinal,
                event_id: EventId(loss.event_id),
                occurred_at: loss.occurred_at,
                confirmed_at: loss.confirmed_at,
                settled_at: loss.settled_at,
                evidence_from: loss.evidence_from,
                determined_at: loss.determined_at,
                payout: Ok(loss.payout_fraction),
                inputs: loss.inputs.into_iter().map(Result::from).collect(),
                guards: loss.guards.into_iter().map(Result::from).collect(),
                evidence_root: loss.evidence_root,
                evidence_count: loss.evidence_count,
                confirmed_on: loss.confirmed_on.map(ChainPosition::from),
            },
            claim: Claim {
                policy: policy.id,
                risk: policy.risk,
                ordinal: loss.ordinal,
                eligibility: Eligibility::Eligible {
                    fraction: self.claim.fraction,
                    amount: self.claim.amount,
                },
            },
            previous: loss.previous_confirmed_at,
            risk,
            policy,
            attestation: self.attestation,
            domain: self.domain,
            signers: self.signers,
            batch: self.batch.map(Membership::from),
            signatures: self.signatures,
            log: self.log.map(LogProof::from),
        })
    }
}

impl EvidenceBundle {
    /// What the file writes once must be the same wherever it stands in memory.
    fn check_unity(&self) -> Result<(), BundleError> {
        let Self {
            risk,
            policy,
            determination,
            claim,
            ..
        } = self;
        let parts = [
            (
                "risk",
                *risk
                    == Risk::new(
                        policy.terms_hash,
                        risk.subject.clone(),
                        risk.inception,
                        risk.evaluate_from,
                    ),
            ),
            (
                "determination",
                determination.risk == risk.id
                    && determination.terms_hash == risk.terms_hash
                    && determination.subject == risk.subject,
            ),
            (
                "claim",
                claim.policy == policy.id
                    && claim.risk == policy.risk
                    && claim.ordinal == determination.ordinal,
            ),
        ];
        match parts.into_iter().find(|(_, fits)| !fits) {
            None => Ok(()),
            Some((what, _)) => Err(BundleError::Mixed { what }),
        }
    }
}
