//! A new secret as it is shown, once.

use core::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tocsin_auth::Algorithm;
use tocsin_store::credential::Credential;
use tocsin_store::webhook::EndpointId;
use utoipa::ToSchema;

/// A secret, this once.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct SecretEntry {
    /// The endpoint's.
    pub(super) id: String,
    /// Its own.
    pub(super) key: String,
    /// `hmac` or `ed25519`.
    pub(super) scheme: &'static str,
    /// What messages are verified with: `whsec_…`, or the public key `whpk_…`. It is shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    /// What to do without the secret, where the request was answered before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret_lost: Option<&'static str>,
}

impl fmt::Debug for SecretEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretEntry({})", self.key)
    }
}

impl SecretEntry {
    pub(super) fn of(id: EndpointId, made: &Credential, shown: &SecretString) -> Self {
        Self {
            id: id.to_string(),
            key: made.id.to_string(),
            scheme: named(made.material.algorithm()),
            secret: Some(shown.expose_secret().to_owned()),
            secret_lost: None,
        }
    }
}

pub(super) fn named(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HmacSha256 => "hmac",
        Algorithm::Ed25519 => "ed25519",
    }
}
