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
                "{} of {} signatures are there: {} more needed, from any of {}",
                set.len(),
                signers.threshold(),
                usize::from(signers.threshold()).saturating_sub(set.len()),
                missing(signers, &self.signatures).join(", ")
            )));
        }
        Ok(set.encode())
    }
}

fn missing(signers: &SignerSet, signatures: &BTreeMap<Address, Bytes>) -> Vec<String> {
    let signers = signers.signers().iter();
    signers
        .filter(|signer| !signatures.contains_key(*signer))
        .map(Address::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use alloy::signers::SignerSync;
    use alloy::signers::local::PrivateKeySigner;

    use super::*;

    fn key(n: u8) -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::repeat_byte(n)).unwrap()
    }

    fn signed_by(travelling: &mut Travelling, n: u8) {
        let signature = key(n)
            .sign_hash_sync(&travelling.digest().digest())
            .unwrap();
        let signature = QuorumSignature::new(signature).unwrap();
        let bytes = Bytes::copy_from_slice(&signature.to_bytes());
        travelling.signatures.insert(key(n).address(), bytes);
    }

    fn revocation() -> Travelling {
        Travelling {
            domain: AttestationDomain {
                chain_id: 1,
                verifier: Address::repeat_byte(1),
            },
            claim_key: B256::repeat_byte(2),
            says: Says::Revoke {
                min_revision: 1,
                reason: "the feed was wrong".to_owned(),
            },
            issued_at: 5,
            signer_epoch: 3,
            signatures: BTreeMap::new(),
        }
    }

    #[test]
    fn parts_make_a_quorum_and_nothing_else_does() {
        let mut addresses: Vec<Address> = (1..=4).map(|n| key(n).address()).collect();
        addresses.sort();
        let signers = SignerSet::new(3, 3, addresses).unwrap();
        let mut whole = revocation();
        signed_by(&mut whole, 1);
        signed_by(&mut whole, 2);
        let refused = whole.quorum(&signers).unwrap_err().to_string();
        assert!(refused.contains("1 more"), "{refused}");
        assert!(refused.contains(&key(3).address().to_string()), "{refused}");
        // One more than needed is as good.
        signed_by(&mut whole, 3);
        signed_by(&mut whole, 4);
        let packed = whole.quorum(&signers).unwrap();
        let set = SignatureSet::parse(&packed).unwrap();
        set.verify(whole.digest(), &signers).unwrap();
        assert_eq!(set.len(), 3);

        let mut strange = whole.clone();
        signed_by(&mut strange, 9);
        let refused = strange.quorum(&signers).unwrap_err().to_string();
        assert!(refused.contains("nobody of epoch 3"), "{refused}");
        // Signed before somebody changed what it says.
        let mut changed = whole;
        changed.issued_at += 1;
        let refused = changed.quorum(&signers).unwrap_err().to_string();
        assert!(refused.contains("not of this statement"), "{refused}");
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocation.json");
        assert_eq!(Travelling::find(&path).unwrap(), None);
        let mut written = revocation();
        signed_by(&mut written, 1);
        written.write(&path).unwrap();
        assert_eq!(Travelling::find(&path).unwrap(), Some(written.clone()));
        assert!(written.is_same(&revocation()));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("issued_at", "issued")).unwrap();
        assert!(Travelling::find(&path).is_err());
    }
}
