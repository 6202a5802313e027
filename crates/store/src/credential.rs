//! Clients, their keys, what the keys were used for, the nonces that were seen, and what waits for a second person. Secrets of
//! webhooks live here too: there is one life cycle and one place where secrets are kept.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::seal::Sealed;
use tocsin_auth::{Algorithm, Failure, KeyId, LifeCycle, Scopes, UnixTime};

use crate::StoreError;
use crate::answer::Answer;
use crate::check::Flaw;
use crate::log::{Audit, AuditEntry};
use crate::webhook::EndpointId;

/// How many nonces of a key are kept at once: a thousand requests a second for as long as a signature can be good.
pub const MOST_NONCES: u32 = 100_000;
/// How many proposals of one client wait at once.
pub const MOST_PROPOSALS: u32 = 20;
/// How many networks are remembered of a key.
pub const MOST_NETWORKS: u32 = 64;

/// Names a client or an endpoint: 1 to 64 lower-case letters, digits, `-`, `_` and `.`. A copy costs nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct OwnerName(Arc<str>);

impl OwnerName {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OwnerName {
    type Err = Flaw;

    fn from_str(text: &str) -> Result<Self, Flaw> {
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(known) {
            return Err(Flaw(format!(
                "`{text}` is no name: write 1 to 64 lower-case letters, digits, `-`, `_` or `.`"
            )));
        }
        Ok(Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for OwnerName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|Flaw(reason)| serde::de::Error::custom(reason))
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<EndpointId> for OwnerName {
    fn from(id: EndpointId) -> Self {
        Self(id.to_string().into())
    }
}

/// Whose a key or secret is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Owner {
    /// Signs requests to the API with it.
    Client(OwnerName),
    /// Verifies with it what the API sends; the name is the endpoint's id.
    Webhook(OwnerName),
}

impl Owner {
    /// Its kind, as it is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Its name among its kind.
    pub fn name(&self) -> &OwnerName {
        match self {
            Self::Client(name) | Self::Webhook(name) => name,
        }
    }
}

/// Who calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// Its name.
    pub name: OwnerName,
    /// Since when it is known.
    pub created_at: UnixTime,
}

/// What verifies or signs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Material {
    /// A shared secret, sealed under the key's id.
    Secret(Sealed),
    /// A public key, of which the client has the other half.
    Public([u8; 32]),
    /// Both halves of a key that the service signs with.
    Pair {
        /// The public one.
        public: [u8; 32],
        /// The private one, sealed under the key's id.
        private: Sealed,
    },
}

impl Material {
    /// What it verifies.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Secret(_) => Algorithm::HmacSha256,
            Self::Public(_) | Self::Pair { .. } => Algorithm::Ed25519,
        }
    }

    /// What of it is sealed.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Secret(sealed)
            | Self::Pair {
                private: sealed, ..
            } => Some(sealed),
            Self::Public(_) => None,
        }
    }
}

/// A key of a client, or a secret of a webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credential {
    /// Its name; its environment is part of that.
    pub id: KeyId,
    /// Whose it is.
    pub owner: Owner,
    /// What verifies.
    pub material: Material,
    /// What it may do; nothing for secrets of webhooks.
    pub scopes: Scopes,
    /// Where it is in its life.
    pub life: LifeCycle,
    /// When it was made.
    pub created_at: UnixTime,
}

/// A change of a key's state, by who has read it in state `from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LifeChange {
    /// Which.
    pub id: KeyId,
    /// As it was read.
    pub from: LifeCycle,
    /// As it shall be.
    pub to: LifeCycle,
}

/// What happens to clients and keys in one step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CredentialChange {
    /// New clients.
    pub clients: Vec<Client>,
    /// New keys.
    pub add: Vec<Credential>,
    /// Others.
    pub change: Vec<LifeChange>,
    /// The proposal that is carried out with it, and so is gone afterwards.
    pub proposal: Option<[u8; 16]>,
    /// Who did it, for the log.
    pub audit: Vec<AuditEntry>,
    /// What whoever asked with a key of their choice is answered, now and again.
    pub answer: Option<Answer>,
}

/// What was counted of a key since it was reported last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Uses {
    /// Whose; `None`: of no key that is known.
    pub key: Option<KeyId>,
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that were refused.
    pub failures: BTreeMap<Failure, u64>,
    /// From which networks, of requests that were answered.
    pub networks: Vec<String>,
    /// When the last of them was.
    pub at: UnixTime,
}

/// What a key was used for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Requests that were answered.
    pub answered: u64,
    /// When the last one was.
    pub last_used: Option<UnixTime>,
    /// Requests that were refused: how many, and when the last one was.
    pub failures: BTreeMap<Failure, (u64, UnixTime)>,
    /// The networks that it was used from, and since when.
    pub networks: BTreeMap<String, UnixTime>,
}

/// An administrative act that one person has proposed and another has to approve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// Random.
    pub id: [u8; 16],
    /// What shall be done, as JSON that its maker reads again.
    pub act: String,
    /// Whose key proposed it.
    pub proposed_by: KeyId,
    /// Whose client.
    pub proposer: OwnerName,
    /// When.
    pub proposed_at: UnixTime,
    /// Until when it can be approved.
    pub expires_at: UnixTime,
}

/// What is needed to manage keys: themselves, and the log of who did it.
pub trait KeyBooks: Credentials + Audit {}

impl<T: Credentials + Audit> KeyBooks for T {}

/// Clients, keys, and what is remembered of their use. Each key that is made, each change of its state and each sum of
/// refusals becomes a leaf of the eligibility log in the same transaction.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// All clients, by name.
    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

    /// Adds clients, adds and changes keys, takes the proposal, says who did it and keeps the answer, all or none. A key whose
    /// owner is unknown, or that is to be changed and is not there, and a proposal that was taken before are
    /// [`StoreError::Missing`]; a client's name, an id, an answer's key or a public key that any client's key has or had is a
    /// [`StoreError::Conflict`]; a key that is not as it was read is [`StoreError::Stale`].
    async fn change_credentials(&self, change: &CredentialChange) -> Result<(), StoreError>;

    /// Replaces how a secret is sealed. One that is sealed otherwise than `from` is [`StoreError::Stale`].
    async fn reseal(&self, id: &KeyId, from: &Sealed, to: &Sealed) -> Result<(), StoreError>;

    /// A key.
    async fn credential(&self, id: &KeyId) -> Result<Option<Credential>, StoreError>;

    /// The keys of an owner, the oldest first.
    async fn credentials_of(&self, owner: &Owner) -> Result<Vec<Credential>, StoreError>;

    /// All keys of clients and webhooks, by id.
    async fn credentials(&self) -> Result<Vec<Credential>, StoreError>;

    /// Takes a nonce of a key, which must be there. Of all who bring the same one, exactly one hears [`NonceUse::Fresh`]. It is kept
    /// until `keep_until`, and taken out some time after that; while [`MOST_NONCES`] of a key are kept, the answer is
    /// [`NonceUse::Full`].
    async fn use_nonce(
        &self,
        key: &KeyId,
        nonce: NonceHash,
        keep_until: UnixTime,
        now: UnixTime,
    ) -> Result<NonceUse, StoreError>;

    /// Adds to what is known of the use of keys; gives the networks that a key, used before, was never used from. Keys that
    /// are not there are left out.
    async fn count_uses(&self, uses: &[Uses]) -> Result<Vec<(KeyId, String)>, StoreError>;

    /// What keys were used for, by id; under `None`, what was refused of no known key.
    async fn credential_uses(&self) -> Result<BTreeMap<Option<KeyId>, Usage>, StoreError>;

    /// Keeps a proposal, has the log say so, and keeps what is answered, all or none. While [`MOST_PROPOSALS`] of the client wait,
    /// it is [`StoreError::Refused`].
    async fn propose(
        &self,
        proposal: &Proposal,
        audit: &AuditEntry,
        answer: Option<&Answer>,
    ) -> Result<(), StoreError>;

    /// The proposals that can be approved at `now`, the oldest first: those of keys that ended are none.
    async fn proposals(&self, now: UnixTime) -> Result<Vec<Proposal>, StoreError>;

    /// A proposal that can be approved at `now`.
    async fn proposal(&self, id: [u8; 16], now: UnixTime) -> Result<Option<Proposal>, StoreError>;
}
