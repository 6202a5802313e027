//! The epochs of a verifier or of a programme as whoever checks a statement knows them: from somewhere else than the file that
//! is checked.

use alloy_primitives::B256;
use serde::Deserialize;
use serde::de::Error as _;

use super::json::decimal_text;
use super::off_chain::OffChainDomain;
use super::{AttestationDomain, Epoch, SignerSet, SigningDomain};

/// Who may sign when, and until when that is accepted. Read from the answer of `GET /v1/epochs`, of a node that is trusted.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct KnownEpochs {
    /// Where they sign.
    pub domain: SigningDomain,
    /// The epochs, each number once.
    pub epochs: Vec<Epoch>,
}

impl KnownEpochs {
    /// One of them.
    pub fn epoch(&self, number: u32) -> Option<&Epoch> {
        self.epochs.iter().find(|epoch| epoch.number() == number)
    }
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    verifier: Option<AttestationDomain>,
    #[serde(default)]
    programme: Option<B256>,
    epochs: Vec<WrittenEpoch>,
}

#[derive(Deserialize)]
struct WrittenEpoch {
    #[serde(with = "decimal_text")]
    active_from: u64,
    #[serde(with = "decimal_text")]
    sign_until: u64,
    #[serde(with = "decimal_text")]
    accept_until: u64,
    revoked: bool,
    signers: SignerSet,
}

impl TryFrom<Written> for KnownEpochs {
    type Error = serde::de::value::Error;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let domain = match (written.verifier, written.programme) {
            (Some(verifier), None) => SigningDomain::Verifier(verifier),
            (None, Some(programme)) => SigningDomain::OffChain(OffChainDomain { programme }),
            (None, None) | (Some(_), Some(_)) => {
                return Err(Self::Error::custom(
                    "epochs are either those of a `verifier` or those of a `programme`",
                ));
            }
        };
        let mut epochs: Vec<Epoch> = Vec::with_capacity(written.epochs.len());
        for epoch in written.epochs {
            let number = epoch.signers.epoch();
            if epochs.iter().any(|known| known.number() == number) {
                return Err(Self::Error::custom(format_args!(
                    "epoch {number} is there twice"
                )));
            }
            epochs.push(Epoch {
                signers: epoch.signers,
                active_from: epoch.active_from,
                sign_until: epoch.sign_until,
                accept_until: epoch.accept_until,
                revoked: epoch.revoked,
            });
        }
        Ok(Self { domain, epochs })
    }
}
