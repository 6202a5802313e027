//! Why a request was refused: for counters, alerts and the audit log, never for the caller.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of refusal. A caller learns the HTTP status and what anybody can see ([`crate::flaw::flaw`]), no more: which
/// check failed would tell a forger how far a forgery came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// It has no signature.
    Unsigned,
    /// It is not signed as the profile says.
    Malformed,
    /// Nobody has its key.
    UnknownKey,
    /// Its key belongs to another environment.
    WrongEnvironment,
    /// It was sent to a service of another name.
    WrongAuthority,
    /// Its key is not one of the algorithm that it names.
    WrongAlgorithm,
    /// Its key is pending, retired, expired or revoked.
    KeyNotActive,
    /// The signature is not the key's.
    BadSignature,
    /// The body is not the one that was signed.
    BadDigest,
    /// The body is longer than allowed, or did not come in time.
    BadBody,
    /// It was signed too long ago, or has expired.
    Stale,
    /// It was signed in the future, or for longer than allowed.
    Early,
    /// Its nonce was used before.
    Replayed,
    /// Its key may not do this.
    Scope,
    /// It needs a key that only its holder has: `ed25519`.
    NeedsEd25519,
    /// Its key asks too often.
    RateLimited,
    /// Whether its nonce was used before cannot be found out.
    NonceStore,
}

impl Failure {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::Unsigned,
        Self::Malformed,
        Self::UnknownKey,
        Self::WrongEnvironment,
        Self::WrongAuthority,
        Self::WrongAlgorithm,
        Self::KeyNotActive,
        Self::BadSignature,
        Self::BadDigest,
        Self::BadBody,
        Self::Stale,
        Self::Early,
        Self::Replayed,
        Self::Scope,
        Self::NeedsEd25519,
        Self::RateLimited,
        Self::NonceStore,
    ];

    /// Its name, as in metrics, the database and the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::WrongEnvironment => "wrong_environment",
            Self::WrongAuthority => "wrong_authority",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::KeyNotActive => "key_not_active",
            Self::BadSignature => "bad_signature",
            Self::BadDigest => "bad_digest",
            Self::BadBody => "bad_body",
            Self::Stale => "stale",
            Self::Early => "early",
            Self::Replayed => "replayed",
            Self::Scope => "scope",
            Self::NeedsEd25519 => "needs_ed25519",
            Self::RateLimited => "rate_limited",
            Self::NonceStore => "nonce_store",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it means an attack or a broken client, so that an operator should look.
    pub fn is_alarming(self) -> bool {
        matches!(
            self,
            Self::BadSignature
                | Self::BadDigest
                | Self::Stale
                | Self::Replayed
                | Self::KeyNotActive
                | Self::WrongEnvironment
                | Self::WrongAuthority
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
