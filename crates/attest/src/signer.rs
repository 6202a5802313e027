//! Keys that can sign a digest: the seam for keystores, key services and hardware.

use std::path::PathBuf;

use alloy::primitives::Address;
use alloy::signers::local::PrivateKeySigner;
use secrecy::{ExposeSecret, SecretString};
use tocsin_domain::attestation::{QuorumSignature, Signable};

use crate::AttestError;
use crate::keystore;

/// Where an attestation key is.
#[derive(Clone, Debug)]
pub enum KeySettings {
    /// An encrypted keystore file.
    Keystore {
        /// The file.
        path: PathBuf,
        /// Its password.
        password: SecretString,
    },
    /// A bare key. For demonstrations and tests: whoever reads the configuration can sign.
    Raw {
        /// 32 bytes in hex.
        key: SecretString,
    },
}

/// A key and its address. It signs for nobody but this crate's [`Attestor`](crate::Attestor).
pub struct Signer {
    key: Box<dyn alloy::signers::Signer + Send + Sync>,
}

impl Signer {
    /// Opens a key. A keystore takes a moment: its password is made slow to guess.
    pub fn open(settings: &KeySettings) -> Result<Self, AttestError> {
        match settings {
            KeySettings::Keystore { path, password } => {
                Ok(Self::local(keystore::open(path, password)?))
            }
            KeySettings::Raw { key } => {
                let signer: PrivateKeySigner = key
                    .expose_secret()
                    .trim()
                    .parse()
                    // The reason could quote the key.
                    .map_err(|_unsaid: alloy::signers::local::LocalSignerError| {
                        AttestError::NotAKey
                    })?;
                tracing::warn!(
                    address = %signer.address(),
                    "ATTESTING WITH A RAW KEY: anybody who can read the configuration can sign payouts. \
                     For demonstrations and tests only; use a keystore"
                );
                Ok(Self::local(signer))
            }
        }
    }

    /// The address that verifiers know the key by.
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// Signs. Callers have reserved the claim keys before.
    pub(crate) async fn sign(&self, what: Signable) -> Result<QuorumSignature, AttestError> {
        let address = self.address();
        let signature =
            self.key
                .sign_hash(&what.digest())
                .await
                .map_err(|source| AttestError::Sign {
                    address,
                    what,
                    source,
                })?;
        QuorumSignature::new(signature)
            .map_err(|source| AttestError::SignatureForm { address, source })
    }

    fn local(key: PrivateKeySigner) -> Self {
        Self { key: Box::new(key) }
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}
