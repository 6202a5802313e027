//! What can be done to clients and keys, and why nothing was done.

use serde::{Deserialize, Serialize};
use tocsin_auth::life::NoTransition;
use tocsin_auth::seal::SealError;
use tocsin_auth::{KeyId, Scope, Scopes};
use tocsin_store::StoreError;
use tocsin_store::credential::OwnerName;

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Make a client and its first key.
    AddClient {
        /// Its name.
        client: OwnerName,
        /// What its key may do.
        scopes: Scopes,
        /// Its public key of ed25519, in base64url or hexadecimal; without it a secret is made.
        #[serde(default)]
        public_key: Option<String>,
    },
    /// Make one more key of a client, and leave the others as they are.
    AddKey {
        /// The client.
        client: OwnerName,
        /// What the key may do.
        scopes: Scopes,
        /// As above.
        #[serde(default)]
        public_key: Option<String>,
    },
    /// Make a new key that may do what the newest active one may, and let the active ones retire.
    Rotate {
        /// The client.
        client: OwnerName,
        /// As above.
        #[serde(default)]
        public_key: Option<String>,
        /// For how many seconds the old keys are taken beside the new one; two weeks if silent.
        #[serde(default)]
        overlap: Option<u32>,
    },
    /// Take a retiring key back into service.
    RollBack {
        /// The key.
        key: KeyId,
    },
    /// Let a key retire, in so many seconds; at once if silent.
    Retire {
        /// The key.
        key: KeyId,
        /// For how many seconds it is still taken.
        #[serde(default)]
        overlap: Option<u32>,
    },
    /// End a key at once and for good.
    Revoke {
        /// The key.
        key: KeyId,
    },
}

impl Act {
    /// Whether one person may do it in production: what only takes away power must not wait for a second one.
    pub fn is_urgent(&self) -> bool {
        matches!(self, Self::Revoke { .. })
    }

    /// The client or the key that it is about.
    pub fn subject(&self) -> &str {
        match self {
            Self::AddClient { client, .. }
            | Self::AddKey { client, .. }
            | Self::Rotate { client, .. } => client.as_str(),
            Self::RollBack { key } | Self::Retire { key, .. } | Self::Revoke { key } => {
                key.as_str()
            }
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AddClient { .. } => "add_client",
            Self::AddKey { .. } => "add_key",
            Self::Rotate { .. } => "rotate",
            Self::RollBack { .. } => "roll_back",
            Self::Retire { .. } => "retire",
            Self::Revoke { .. } => "revoke",
        }
    }
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key is not in a state for that.
    #[error(transparent)]
    Life(#[from] NoTransition),
    /// The secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// There is no master key.
    #[error(
        "no secret can be made without a master key: set [auth] master_key, or give a public key of ed25519"
    )]
    NoMasterKey,
    /// The public key is none.
    #[error(
        "the public key is not one of ed25519: write its 32 bytes as base64url or as 64 hexadecimal digits"
    )]
    PublicKey,
    /// What only a key of ed25519 may do.
    #[error("the scope `{0}` needs a key of ed25519: give its public key")]
    NeedsEd25519(Scope),
    /// Nothing to do for the key.
    #[error("a key needs at least one scope")]
    NoScope,
    /// There is nothing to rotate.
    #[error("client `{0}` has no active key: add one")]
    NoActiveKey(OwnerName),
    /// There is no such key.
    #[error("there is no key `{0}`")]
    NoKey(KeyId),
}

impl ActError {
    /// Whether it is about what was asked; anything else is about the service, and the same may work later.
    pub fn is_of_the_act(&self) -> bool {
        match self {
            Self::Store(error) => matches!(
                error,
                StoreError::Conflict { .. }
                    | StoreError::Missing { .. }
                    | StoreError::Refused { .. }
            ),
            Self::Seal(_) | Self::NoMasterKey => false,
            Self::Life(_)
            | Self::PublicKey
            | Self::NeedsEd25519(_)
            | Self::NoScope
            | Self::NoActiveKey(_)
            | Self::NoKey(_) => true,
        }
    }
}
