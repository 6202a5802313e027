//! What is done to clients and keys, for the API and the command line alike. Each act is one transaction.

use core::fmt;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tocsin_auth::life::{DAY, LIFETIME, NoTransition, OVERLAP};
use tocsin_auth::seal::{Seal, SealError, random};
use tocsin_auth::{Environment, KeyId, LifeCycle, Scope, Scopes, UnixTime, VerifyingKey};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::credential::{
    Client, Credential, CredentialChange, KeyBooks, LifeChange, Material, Owner, OwnerName,
};
use tocsin_store::log::AuditEntry;

/// How every secret of a client begins, so that one that is somewhere it should not be is found.
pub const SECRET_PREFIX: &str = "tocsin_sk_";

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
    /// There is no such key of a client.
    #[error("there is no key `{0}` of a client")]
    NoKey(KeyId),
}

/// A secret, to be shown once.
pub struct ShownSecret(String);

impl ShownSecret {
    /// Its text: the bytes of this text are the key of `hmac-sha256`.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownSecret")
    }
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// The new key.
    pub key: Option<KeyId>,
    /// Its secret, if one was made.
    pub secret: Option<ShownSecret>,
    /// The keys whose state changed, and what it is now.
    pub changed: Vec<(KeyId, LifeCycle)>,
}

/// With what acts are done.
pub struct Admin<'a> {
    /// Where the keys are.
    pub store: &'a dyn KeyBooks,
    /// What seals secrets.
    pub seal: Option<&'a Seal>,
    /// Where the keys are good.
    pub environment: Environment,
}

impl Admin<'_> {
    /// Does `act`, all of it or nothing, and has the log say who did it.
    pub async fn perform(&self, act: &Act, actor: &str, now: UnixTime) -> Result<Done, ActError> {
        let done = self.change_keys(act, now).await?;
        // The changes are in the log already, with their transaction: to lose a new secret over who did it would help nobody.
        let changed = done.changed.iter();
        let changed = changed.map(|(key, life)| (key.to_string(), life.state().name()));
        let changed: BTreeMap<String, &str> = changed.collect();
        let detail = json!({ "act": act, "changed": changed });
        if let Err(error) = self.say(act, "key-managed", actor, detail, now).await {
            tracing::error!(%error, actor, act = act.name(), "the log does not say who managed a key");
        }
        Ok(done)
    }

    /// Has the log say that somebody has proposed `act`.
    pub async fn propose(&self, act: &Act, actor: &str, now: UnixTime) -> Result<(), StoreError> {
        let detail = json!({ "act": act });
        self.say(act, "key-act-proposed", actor, detail, now).await
    }

    async fn say(
        &self,
        act: &Act,
        action: &str,
        actor: &str,
        detail: Value,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            at: Timestamp(now.0),
            action: action.to_owned(),
            actor: Some(actor.to_owned()),
            subject: act.subject().to_owned(),
            detail,
        };
        self.store.record(&[entry]).await
    }

    async fn change_keys(&self, act: &Act, now: UnixTime) -> Result<Done, ActError> {
        match act {
            Act::AddClient {
                client,
                scopes,
                public_key,
            } => {
                // Made before the client, so that what is wrong with it leaves no client without a key.
                let made = self.make(client, scopes.clone(), public_key.as_deref(), now)?;
                let added = Client {
                    name: client.clone(),
                    created_at: now,
                };
                self.store.add_client(&added).await?;
                self.put(made, Vec::new()).await
            }
            Act::AddKey {
                client,
                scopes,
                public_key,
            } => {
                let made = self.make(client, scopes.clone(), public_key.as_deref(), now)?;
                self.put(made, Vec::new()).await
            }
            Act::Rotate {
                client,
                public_key,
                overlap,
            } => {
                let overlap = overlap.map_or(OVERLAP, i64::from);
                let owner = Owner::Client(client.clone());
                let keys = self.store.credentials_of(&owner).await?;
                let active: Vec<_> = keys.iter().filter(|key| key.life.signs(now)).collect();
                let newest = active.last();
                let newest = newest.ok_or_else(|| ActError::NoActiveKey(client.clone()))?;
                let scopes = newest.scopes.clone();
                let made = self.make(client, scopes, public_key.as_deref(), now)?;
                let mut change = Vec::new();
                for key in active {
                    change.push(changed(key, key.life.retire(now, overlap)?));
                }
                self.put(made, change).await
            }
            Act::RollBack { key } => self.change(key, |life| life.roll_back(now)).await,
            Act::Retire { key, overlap } => {
                let overlap = overlap.map_or(0, i64::from);
                self.change(key, |life| life.retire(now, overlap)).await
            }
            Act::Revoke { key } => self.change(key, |life| Ok(life.revoke(now))).await,
        }
    }

    fn make(
        &self,
        client: &OwnerName,
        scopes: Scopes,
        public_key: Option<&str>,
        now: UnixTime,
    ) -> Result<(Credential, Option<ShownSecret>), ActError> {
        if scopes.is_empty() {
            return Err(ActError::NoScope);
        }
        let mut name = [0; 16];
        random(&mut name)?;
        let id = KeyId::new(self.environment, name);
        let (material, secret) = match public_key {
            Some(text) => (Material::Public(public(text)?), None),
            None => {
                let needs_own = scopes.iter().find(|scope| scope.needs_ed25519());
                if let Some(scope) = needs_own {
                    return Err(ActError::NeedsEd25519(scope));
                }
                let seal = self.seal.ok_or(ActError::NoMasterKey)?;
                let mut bytes = [0; 32];
                random(&mut bytes)?;
                let text = format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
                let sealed = seal.seal(id.as_str(), text.as_bytes())?;
                (Material::Secret(sealed), Some(ShownSecret(text)))
            }
        };
        let made = Credential {
            id,
            owner: Owner::Client(client.clone()),
            material,
            scopes,
            life: LifeCycle::pending(now.plus(LIFETIME)).activate(now)?,
            created_at: now,
        };
        Ok((made, secret))
    }

    async fn put(
        &self,
        (made, secret): (Credential, Option<ShownSecret>),
        change: Vec<LifeChange>,
    ) -> Result<Done, ActError> {
        let key = Some(made.id.clone());
        let mut states = vec![(made.id.clone(), made.life)];
        states.extend(change.iter().map(|change| (change.id.clone(), change.to)));
        let whole = CredentialChange {
            add: vec![made],
            change,
        };
        self.store.change_credentials(&whole).await?;
        Ok(Done {
            key,
            secret,
            changed: states,
        })
    }

    async fn change(
        &self,
        id: &KeyId,
        to: impl Fn(LifeCycle) -> Result<LifeCycle, NoTransition>,
    ) -> Result<Done, ActError> {
        let found = self.store.credential(id).await?;
        let found = found.filter(|key| matches!(key.owner, Owner::Client(_)));
        let found = found.ok_or_else(|| ActError::NoKey(id.clone()))?;
        let change = changed(&found, to(found.life)?);
        let states = vec![(id.clone(), change.to)];
        let whole = CredentialChange {
            add: Vec::new(),
            change: vec![change],
        };
        self.store.change_credentials(&whole).await?;
        Ok(Done {
            key: None,
            secret: None,
            changed: states,
        })
    }
}

fn changed(key: &Credential, to: LifeCycle) -> LifeChange {
    LifeChange {
        id: key.id.clone(),
        from: key.life,
        to,
    }
}

fn public(text: &str) -> Result<[u8; 32], ActError> {
    let bytes = if text.len() == 64 {
        alloy_primitives::hex::decode(text).map_err(|_digits| ActError::PublicKey)?
    } else {
        let text = text
            .trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_");
        let decoded = URL_SAFE_NO_PAD.decode(text);
        decoded.map_err(|_base64| ActError::PublicKey)?
    };
    VerifyingKey::ed25519(&bytes).map_err(|_none| ActError::PublicKey)?;
    bytes.try_into().map_err(|_length| ActError::PublicKey)
}

/// Whether a key is a laggard: its client has a newer one, and still uses this one, which soon is not taken any more.
pub fn is_laggard(key: &Credential, last_used: Option<UnixTime>, now: UnixTime) -> bool {
    matches!(key.life.state(), tocsin_auth::State::Retiring { since, .. }
        if last_used.is_some_and(|used| used > since && now.since(used) < DAY))
}
