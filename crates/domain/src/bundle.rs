//! Evidence bundles: everything that anybody needs to check one paid claim, in one JSON file.
//!
//! A bundle is written in one way only, and [`verify`] re-executes it offline: from the terms and the observations to the
//! payout fraction, and from there to the digest that the attestors signed. What it cannot know, it says.
//!
//! Integers are decimal strings, bytes lower-case 0x-hex, times RFC 3339 (in the attestation, as signed, seconds). The
//! file ends with a seal, keccak-256 of the RFC 8785 form of everything before it, so that damage and careless edits are
//! found in the fields too that no signature covers (the policy's holder and sum insured, a log's index).

mod logged;
mod report;
mod strict;
mod verify;
mod written;

pub use logged::LogProof;
pub use report::{Check, Report};
pub use verify::{VerifyOptions, verify};
pub(crate) use written::WrittenObservation;

use alloy_primitives::{B256, keccak256};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use crate::attestation::{
    ClaimAttestation, Membership, Signable, SignatureSet, SignerSet, SigningDomain,
};
use crate::claim::Claim;
use crate::determination::Determination;
use crate::json_tree::Tree;
use crate::observation::Observation;
use crate::policy::Policy;
use crate::quorum::SignedReport;
use crate::risk::Risk;
use crate::time::Timestamp;

/// What the file calls itself.
pub const FORMAT: &str = "tocsin-evidence-bundle/1";

/// One paid claim with all that it rests on. Read and written through serde.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvidenceBundle {
    /// The terms: RFC 8785 JSON of the cover as written.
    pub terms: String,
    /// What was evaluated.
    pub risk: Risk,
    /// Whose claim it is.
    pub policy: Policy,
    /// What was seen, in evidence order; what several attestors saw by themselves, in the order of their reports.
    pub observations: Vec<Observation>,
    /// What was decided.
    pub determination: Determination,
    /// When the risk's loss event before that one was confirmed; `None` for the first.
    pub previous: Option<Timestamp>,
    /// What each attestor of a quorum saw, where they attest independently of each other.
    pub quorum: Option<QuorumEvidence>,
    /// What follows for the policy.
    pub claim: Claim,
    /// What was signed.
    pub attestation: ClaimAttestation,
    /// For whom: a verifier, or a programme off-chain.
    pub domain: SigningDomain,
    /// Who could sign.
    pub signers: SignerSet,
    /// The batch that was signed in its place, where it was not signed alone.
    pub batch: Option<Membership>,
    /// Who did, the attestation or its batch.
    pub signatures: SignatureSet,
    /// That the decision is in the eligibility log of whoever wrote the bundle, once a signed state of it has it.
    pub log: Option<LogProof>,
}

/// What a quorum's determination was made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumEvidence {
    /// Who could report; of an earlier epoch than the signatures, where the statement was signed again.
    pub signers: SignerSet,
    /// In the order of their signers. Their observations are those of the bundle.
    pub reports: Vec<SignedReport>,
}

/// Why a file is no bundle, or a bundle cannot be a file.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Of another kind or version.
    #[error("its format is {found}; this version reads `{FORMAT}`")]
    Format {
        /// What it says it is.
        found: String,
    },
    /// The seal is missing.
    #[error("it has no `seal`, so nobody can say whether it is complete")]
    NoSeal,
    /// The content was changed after it was sealed.
    #[error(
        "its seal is not that of its content ({expected}): it was changed or damaged after it was written"
    )]
    Seal {
        /// The seal that the content has.
        expected: B256,
    },
    /// A field is missing, unknown, or not what it should be.
    #[error("{0}")]
    Content(#[from] serde_json::Error),
    /// It reads, but is written in another way than it would be.
    #[error("it is not written as Tocsin writes it, near `{near}`")]
    OtherSpelling {
        /// The first member that differs.
        near: String,
    },
    /// Only eligible claims on triggered determinations are attested, and so bundled.
    #[error("the claim does not pay, so there is no attestation to bundle")]
    NotPaid,
    /// The parts are not about the same risk, policy and event.
    #[error("the {what} is of another claim than the rest")]
    Mixed {
        /// Which part.
        what: &'static str,
    },
    /// A report names an observation by a place that there is not.
    #[error("a report names observation {place}, and there are {observations}, counted from 0")]
    NoSuchObservation {
        /// The place.
        place: usize,
        /// How many there are.
        observations: usize,
    },
    /// The terms are not RFC 8785 JSON.
    #[error("the terms are not canonical JSON")]
    Terms,
}

impl EvidenceBundle {
    /// What the signatures are of.
    pub fn signed(&self) -> Signable {
        match &self.batch {
            None => self.domain.digest(&self.attestation).into(),
            Some(membership) => self.domain.batch_digest(&membership.batch).into(),
        }
    }
}

impl Serialize for EvidenceBundle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        sealed(self)
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EvidenceBundle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Tree::<strict::Portable>::deserialize(deserializer)?.into_json();
        open(json).map_err(D::Error::custom)
    }
}

fn sealed(bundle: &EvidenceBundle) -> Result<Json, BundleError> {
    let mut json = serde_json::to_value(written::Written::of(bundle)?)?;
    let seal = seal_of(&json)?;
    if let Json::Object(members) = &mut json {
        members.insert("seal".to_owned(), Json::String(format!("{seal:#x}")));
    }
    Ok(json)
}

fn open(mut json: Json) -> Result<EvidenceBundle, BundleError> {
    let found = &json["format"];
    if found != FORMAT {
        return Err(BundleError::Format {
            found: found.to_string(),
        });
    }
    let seal = json
        .as_object_mut()
        .and_then(|members| members.shift_remove("seal"));
    let expected = seal_of(&json)?;
    match seal {
        None => return Err(BundleError::NoSeal),
        Some(seal) if seal != format!("{expected:#x}") => {
            return Err(BundleError::Seal { expected });
        }
        Some(_) => {}
    }
    let bundle = written::Written::deserialize(&json)?.into_bundle()?;
    // Whatever a reader overlooked or read leniently would be lost here.
    let again = serde_json::to_value(written::Written::of(&bundle)?)?;
    match differing_member(&json, &again) {
        None => Ok(bundle),
        Some(near) => Err(BundleError::OtherSpelling { near }),
    }
}

fn seal_of(json: &Json) -> Result<B256, BundleError> {
    Ok(keccak256(serde_jcs::to_string(json)?))
}

fn differing_member(given: &Json, again: &Json) -> Option<String> {
    if given == again {
        return None;
    }
    let (Some(given), Some(again)) = (given.as_object(), again.as_object()) else {
        return Some("the whole".to_owned());
    };
    let differs = |name: &&String| given.get(*name) != again.get(*name);
    given.keys().chain(again.keys()).find(differs).cloned()
}
