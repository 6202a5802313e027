//! The secrets of endpoints: drawn at random, sealed like every other secret, and opened only to sign.
//!
//! Promises: every secret that verifies now signs, and no other; where one of them does not open, nothing is signed, since it
//! may be the only one that the receiver knows.

use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use tocsin_auth::seal::{Seal, SealError, random};
use tocsin_auth::{Algorithm, Environment, KeyId, LifeCycle, Scopes, UnixTime};
use tocsin_delivery::DeliveryError;
use tocsin_delivery::webhook::secret::{SECRET_BYTES, Secret};
use tocsin_domain::time::Timestamp;
use tocsin_store::credential::{Credential, Credentials, Material};
use tocsin_store::webhook::EndpointId;

use crate::pipeline::StageError;

/// How long a secret is good, in seconds: a year. Its end is announced as that of every key is.
const LIFETIME: i64 = 365 * tocsin_auth::life::DAY;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It was not sealed or opened.
    #[error("the secret of a webhook endpoint cannot be used")]
    Seal(#[from] SealError),
    /// It is none.
    #[error(transparent)]
    Secret(#[from] DeliveryError),
    /// It is stored as what it cannot be.
    #[error(
        "the secret `{0}` of a webhook endpoint is stored without what signs: make the endpoint a new one"
    )]
    NothingSealed(KeyId),
}

/// Makes and opens secrets.
#[derive(Clone, Debug)]
pub struct Keyring {
    seal: Seal,
    environment: Environment,
}

impl Keyring {
    /// One that seals by `seal`, for the endpoints of `environment`.
    pub fn new(seal: Seal, environment: Environment) -> Self {
        Self { seal, environment }
    }

    /// A new secret of an endpoint, pending; and what the receiver needs, to be shown once.
    pub fn make(
        &self,
        endpoint: EndpointId,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<(Credential, SecretString), KeyringError> {
        let (mut name, mut bytes) = ([0; 16], SecretBox::new(Box::new([0; SECRET_BYTES])));
        random(&mut name)?;
        random(&mut bytes.expose_secret_mut()[..])?;
        let bytes = &bytes.expose_secret()[..];
        let id = KeyId::new(self.environment, name);
        let sealed = self.seal.seal(id.as_str(), bytes)?;
        let secret = secret(algorithm, bytes)?;
        let material = match secret.public() {
            None => Material::Secret(sealed),
            Some(public) => Material::Pair {
                public,
                private: sealed,
            },
        };
        let now = UnixTime(now.0);
        let made = Credential {
            id,
            owner: endpoint.owner(),
            material,
            scopes: Scopes::default(),
            life: LifeCycle::pending(now.plus(LIFETIME)),
            created_at: now,
        };
        Ok((made, secret.for_receiver()))
    }

    fn open(&self, stored: &Credential) -> Result<Secret, KeyringError> {
        let sealed = stored.material.sealed();
        let sealed = sealed.ok_or_else(|| KeyringError::NothingSealed(stored.id.clone()))?;
        let bytes = self.seal.open(stored.id.as_str(), sealed)?;
        Ok(secret(stored.material.algorithm(), &bytes)?)
    }

    /// The secrets that sign at `now`, the newest first; none where all have ended.
    pub(super) async fn signing<S: Credentials + ?Sized>(
        &self,
        store: &S,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<Vec<Secret>, StageError> {
        let stored = store.credentials_of(&endpoint.owner()).await?;
        let verifying = stored.iter().rev();
        let verifying = verifying.filter(|secret| secret.life.verifies(UnixTime(now.0)));
        let opened = verifying.map(|secret| self.open(secret));
        Ok(opened.collect::<Result<_, _>>()?)
    }
}

fn secret(algorithm: Algorithm, bytes: &[u8]) -> Result<Secret, DeliveryError> {
    match algorithm {
        Algorithm::HmacSha256 => Secret::hmac(bytes),
        Algorithm::Ed25519 => Secret::ed25519(bytes),
    }
}
