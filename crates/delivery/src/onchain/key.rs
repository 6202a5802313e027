//! The key of the account that sends the transactions. It pays gas and is trusted with nothing else: attestation keys
//! live elsewhere.

use std::fmt;
use std::path::PathBuf;

use alloy::signers::local::PrivateKeySigner;
use secrecy::{ExposeSecret, SecretString};

use crate::DeliveryError;

/// Where the submitter's key is.
#[derive(Clone)]
pub enum SubmitterKey {
    /// An encrypted keystore file (Web3 Secret Storage).
    Keystore {
        /// The file.
        path: PathBuf,
        /// Opens it.
        password: SecretString,
    },
    /// The key itself, as hex: for demonstrations and tests.
    Raw {
        /// 32 bytes as hex.
        key: SecretString,
    },
}

impl SubmitterKey {
    /// Opens the key. A keystore is made to be slow to open: seconds, on this thread.
    pub(super) fn open(&self) -> Result<PrivateKeySigner, DeliveryError> {
        match self {
            Self::Keystore { path, password } => {
                PrivateKeySigner::decrypt_keystore(path, password.expose_secret()).map_err(
                    |source| DeliveryError::Keystore {
                        path: path.clone(),
                        source,
                    },
                )
            }
            Self::Raw { key } => {
                let signer: PrivateKeySigner = key
                    .expose_secret()
                    .trim()
                    .parse()
                    // The cause may quote the key.
                    .map_err(|_quotes_key: alloy::signers::local::LocalSignerError| {
                        DeliveryError::RawKey
                    })?;
                tracing::warn!(
                    sender = %signer.address(),
                    "transactions are signed with an unencrypted key from the configuration: for demonstrations and \
                     tests only, use a keystore for anything that is worth money"
                );
                Ok(signer)
            }
        }
    }
}

impl fmt::Debug for SubmitterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keystore { path, .. } => f
                .debug_struct("Keystore")
                .field("path", path)
                .finish_non_exhaustive(),
            Self::Raw { .. } => f.debug_struct("Raw").finish_non_exhaustive(),
        }
    }
}
