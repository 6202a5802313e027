//! The file in which a revocation or a release travels between the operators who sign it.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use tocsin_domain::attestation::revocation::reason_hash;
use tocsin_domain::attestation::{
    AttestationDomain, HoldRelease, QuorumSignature, Revocation, Signable, SignatureSet, SignerSet,
};
use tocsin_domain::ids::ClaimKey;

use crate::config::read;
use crate::report::Report;

/// What is said, and by whom it was signed so far.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Travelling {
    /// For which verifier.
    pub domain: AttestationDomain,
    /// About which claim.
    pub claim_key: B256,
    /// What.
    pub says: Says,
    /// Unix seconds.
    pub issued_at: u64,
    /// Whose epoch.
    pub signer_epoch: u32,
    /// By attestor.
    pub signatures: BTreeMap<Address, Bytes>,
}

/// What a quorum is asked to say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Says {
    /// Statements below this revision are taken back.
    Revoke {
        /// The least revision that stands.
        min_revision: u32,
        /// Why.
        reason: String,
    },
    /// A hold is over.
    Release {
        /// Its ordinal.
        hold: u32,
    },
}

/// The signed struct.
#[derive(Clone, Debug)]
pub enum Signed {
    /// A revocation, and the text of its reason.
    Revocation(Revocation, String),
    /// A release.
    Release(HoldRelease),
}

impl Travelling {
    /// Reads a file; `None` where there is none.
    pub fn find(path: &Path) -> Result<Option<Self>, Report> {
        if !path.exists() {
            return Ok(None);
        }
        let found = serde_json::from_str(&read(path)?).map_err(|error| {
            Report::bad_input(format!(
                "{} is no revocation or release as `tocsin claims` writes it: {error}",
                path.display()
            ))
        })?;
        Ok(Some(found))
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> Result<(), Report> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Report::bad_input(error.to_string()))?;
        std::fs::write(path, text)
            .map_err(|error| Report::bad_input(format!("cannot write {}: {error}", path.display())))
    }

    /// Whether both are the same statement, whoever signed.
    pub fn is_same(&self, other: &Self) -> bool {
        let signatures = other.signatures.clone();
        Self {
            signatures,
            ..self.clone()
        } == *other
    }

    /// The claim.
    pub fn claim(&self) -> ClaimKey {
        ClaimKey(self.claim_key)
    }

    /// What is signed.
    pub fn signed(&self) -> Signed {
        match &self.says {
            Says::Revoke {
                min_revision,
                reason,
            } => Signed::Revocation(
                Revocation {
                    claimKey: self.claim_key,
                    minRevision: *min_revision,
                    reason: reason_hash(reason),
                    issuedAt: self.issued_at,
                    signerEpoch: self.signer_epoch,
                },
                reason.clone(),
            ),
            Says::Release { hold } => Signed::Release(HoldRelease {
                claimKey: self.claim_key,
                hold: *hold,
                issuedAt: self.issued_at,
                signerEpoch: self.signer_epoch,
            }),
        }
    }

    /// Its digest.
    pub fn digest(&self) -> Signable {
        match self.signed() {
            Signed::Revocation(revocation, _) => self.domain.revocation_digest(&revocation).into(),
            Signed::Release(release) => self.domain.release_digest(&release).into(),
        }
    }

    /// The signatures as the contract takes them: of those, as many as the threshold asks for. Refused where one is not its
    /// signer's, or is by nobody of the epoch, or where there are too few.
    pub fn quorum(&self, signers: &SignerSet) -> Result<Vec<u8>, Report> {
        let mut set = SignatureSet::default();
        for (address, bytes) in &self.signatures {
            let wrong = |why: &str| Report::bad_input(format!("the signature by {address} {why}"));
            let index = signers
                .index_of(*address)
                .ok_or_else(|| wrong(&format!("is by nobody of epoch {}", self.signer_epoch)))?;
            let bytes = <&[u8; 65]>::try_from(bytes.as_ref())
                .map_err(|_length| wrong("has not 65 bytes"))?;
            let signature =
                QuorumSignature::from_bytes(bytes).map_err(|error| wrong(&error.to_string()))?;
            if signature.signer(self.digest()) != Some(*address) {
                return Err(wrong("is not of this statement"));
            }
            if set.len() < usize::from(signers.threshold()) {
                set.insert(index, signature);
            }
        }
        if set.len() < usize::from(signers.threshold()) {
            return Err(Report::bad_input(format!(
                "{} of {} signatures are there: {} more are needed, from {:?}",
                set.len(),
                signers.threshold(),
                usize::from(signers.threshold()).saturating_sub(set.len()),
                missing(signers, &self.signatures)
            )));
        }
        Ok(set.encode())
    }
}

fn missing(signers: &SignerSet, signatures: &BTreeMap<Address, Bytes>) -> Vec<Address> {
    let signers = signers.signers().iter().copied();
    signers
        .filter(|signer| !signatures.contains_key(signer))
        .collect()
}
