//! Keys that can sign: the seam for keystores, key services and hardware.
//!
//! Promise: whatever kind a key is of, what comes back is a recoverable signature with a low s, or an error that says
//! whether trying again may help. Whether it is *the key's* signature of *this* statement is checked by the attestor.

#[cfg(feature = "aws-kms")]
mod aws;
#[cfg(feature = "gcp-kms")]
mod gcp;
#[cfg(feature = "ledger")]
mod ledger;
mod local;
mod settings;
mod statement;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy::primitives::{Address, Signature};
use async_trait::async_trait;
use tocsin_domain::attestation::QuorumSignature;

pub use settings::{KeyKind, KeySettings, REMOTE_TIMEOUT};
pub use statement::{Content, Statement};

use crate::AttestError;
use crate::error::KeyFault;

/// A key and its address. It signs for nobody but this crate's [`Attestor`](crate::Attestor).
pub struct Signer {
    key: Box<dyn Key>,
    /// A key that does not answer must not hold up the claims of a storm for ever; `None` for a key in this process.
    patience: Option<Duration>,
    /// How often it could not sign, since somebody asked last.
    failures: AtomicU64,
}

/// One kind of key.
#[async_trait]
trait Key: Send + Sync {
    fn address(&self) -> Address;

    async fn sign(&self, statement: &Statement<'_>) -> Result<Signature, KeyFault>;
}

/// Boxed, because the libraries' own futures are nested deeper than the compiler follows.
#[cfg(any(feature = "aws-kms", feature = "gcp-kms", feature = "ledger"))]
type Opening<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Box<dyn Key>, KeyFault>> + Send + 'a>>;

impl Signer {
    /// Opens a key on this machine. A keystore takes a moment: its password is made slow to guess. A key elsewhere is
    /// refused: it takes [`Self::connect`].
    pub fn open(settings: &KeySettings) -> Result<Self, AttestError> {
        let key: Box<dyn Key> = match settings {
            KeySettings::Keystore { path, password } => {
                Box::new(local::from_keystore(path, password)?)
            }
            KeySettings::Raw { key } => Box::new(local::from_text(key)?),
            KeySettings::AwsKms { .. }
            | KeySettings::GcpKms { .. }
            | KeySettings::Ledger { .. } => {
                let kind = settings.kind();
                return Err(AttestError::NotHere { kind });
            }
        };
        Ok(Self {
            key,
            patience: None,
            failures: AtomicU64::new(0),
        })
    }

    /// Opens a key of any kind. One that is elsewhere is asked for its public key, which is its address.
    pub async fn connect(settings: &KeySettings) -> Result<Self, AttestError> {
        #[cfg(feature = "aws-kms")]
        if let KeySettings::AwsKms { timeout, .. } = settings {
            return Self::opened(settings, *timeout, Box::pin(aws::open(settings))).await;
        }
        #[cfg(feature = "gcp-kms")]
        if let KeySettings::GcpKms { timeout, .. } = settings {
            return Self::opened(settings, *timeout, Box::pin(gcp::open(settings))).await;
        }
        #[cfg(feature = "ledger")]
        if let KeySettings::Ledger { path } = settings {
            let opening = Box::pin(ledger::open(path));
            return Self::opened(settings, ledger::PATIENCE, opening).await;
        }
        match Self::open(settings) {
            Err(AttestError::NotHere { kind }) => Err(AttestError::NotCompiledIn { kind }),
            local => local,
        }
    }

    #[cfg(any(feature = "aws-kms", feature = "gcp-kms", feature = "ledger"))]
    async fn opened(
        settings: &KeySettings,
        patience: Duration,
        opening: Opening<'_>,
    ) -> Result<Self, AttestError> {
        let opened = in_time(patience, opening).await;
        Ok(Self {
            key: opened.map_err(|source| AttestError::OpenKey {
                kind: settings.kind(),
                source,
            })?,
            patience: Some(patience),
            failures: AtomicU64::new(0),
        })
    }

    /// The address that verifiers know the key by.
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// How often it could not sign since this was asked last.
    pub(crate) fn take_failures(&self) -> u64 {
        self.failures.swap(0, Ordering::Relaxed)
    }

    /// It could not sign so many times.
    pub(crate) fn failed(&self, times: u64) {
        self.failures.fetch_add(times, Ordering::Relaxed);
    }

    /// Signs. Callers have reserved the claim keys before.
    pub(crate) async fn sign(
        &self,
        statement: impl Into<Statement<'_>>,
    ) -> Result<QuorumSignature, AttestError> {
        let statement = statement.into();
        let address = self.address();
        let signing = self.key.sign(&statement);
        let signature = match self.patience {
            Some(patience) => in_time(patience, signing).await,
            None => signing.await,
        }
        .map_err(|source| {
            self.failed(1);
            AttestError::Sign {
                address,
                what: statement.what(),
                source,
            }
        })?;
        QuorumSignature::new(signature)
            .map_err(|source| AttestError::SignatureForm { address, source })
    }
}

async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, KeyFault>>,
) -> Result<T, KeyFault> {
    tokio::time::timeout(patience, work)
        .await
        .unwrap_or(Err(KeyFault::Silent(patience)))
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}
