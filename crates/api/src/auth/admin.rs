//! What is done to clients and keys, for the API and the command line alike. Each act is one transaction, with the entry of
//! the log that says who did it.

mod act;
mod make;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tocsin_auth::life::{DAY, NoTransition, OVERLAP};
use tocsin_auth::seal::Seal;
use tocsin_auth::{Environment, KeyId, LifeCycle, State, UnixTime};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::answer::Answer;
use tocsin_store::credential::{
    Client, Credential, CredentialChange, KeyBooks, LifeChange, Owner, OwnerName, Proposal,
};
use tocsin_store::log::AuditEntry;

pub use self::act::{Act, ActError};
pub use self::make::{SECRET_PREFIX, ShownSecret};

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

/// What an act comes to, and the secret that it shows.
type Change = (CredentialChange, Option<ShownSecret>);

/// What an act comes to before it is done.
#[derive(Debug)]
pub struct Plan {
    /// All that is written, with the entry of the log.
    pub change: CredentialChange,
    /// What is done once it is written.
    pub done: Done,
}

impl Admin<'_> {
    /// Does `act`, all of it or nothing, and has the log say who did it.
    pub async fn perform(&self, act: &Act, actor: &str, now: UnixTime) -> Result<Done, ActError> {
        let plan = self.plan(act, actor, now).await?;
        self.carry_out(plan).await
    }

    /// Does what was planned.
    pub async fn carry_out(&self, plan: Plan) -> Result<Done, ActError> {
        self.store.change_credentials(&plan.change).await?;
        Ok(plan.done)
    }

    /// What `act` comes to, as things stand; nothing is written.
    pub async fn plan(&self, act: &Act, actor: &str, now: UnixTime) -> Result<Plan, ActError> {
        let (mut change, secret) = self.change(act, now).await?;
        let key = change.add.first().map(|made| made.id.clone());
        let made = change.add.iter().map(|made| (made.id.clone(), made.life));
        let moved = change.change.iter();
        let moved = moved.map(|moved| (moved.id.clone(), moved.to));
        let changed: Vec<(KeyId, LifeCycle)> = made.chain(moved).collect();
        let states = changed.iter();
        let states = states.map(|(key, life)| (key.as_str(), life.state().name()));
        let states: BTreeMap<&str, &str> = states.collect();
        let detail = json!({ "act": act, "changed": states });
        change.audit = vec![entry(act, "key-managed", actor, detail, now)];
        let done = Done {
            key,
            secret,
            changed,
        };
        Ok(Plan { change, done })
    }

    /// Keeps `proposal`, which is of `act`, for a second person, with the entry of the log and what is answered.
    pub async fn propose(
        &self,
        act: &Act,
        proposal: &Proposal,
        actor: &str,
        answer: &Answer,
    ) -> Result<(), StoreError> {
        let detail = json!({ "act": act });
        let at = proposal.proposed_at;
        let proposed = entry(act, "key-act-proposed", actor, detail, at);
        self.store.propose(proposal, &proposed, Some(answer)).await
    }

    /// Has the log say that `act` was not done, and why: who tries what is of interest too.
    pub async fn refused(
        &self,
        act: &Act,
        actor: &str,
        why: &ActError,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        // Not the whole act: it may be as long as whoever sent it liked.
        let detail = json!({ "act": act.name(), "reason": why.to_string() });
        let refused = entry(act, "key-act-refused", actor, detail, now);
        self.store.record(&[refused]).await
    }

    async fn change(&self, act: &Act, now: UnixTime) -> Result<Change, ActError> {
        let mut change = CredentialChange::default();
        let (made, secret) = match act {
            Act::AddClient {
                client,
                scopes,
                public_key,
            } => {
                change.clients.push(Client {
                    name: client.clone(),
                    created_at: now,
                });
                self.make(client, scopes.clone(), public_key.as_deref(), now)?
            }
            Act::AddKey {
                client,
                scopes,
                public_key,
            } => self.make(client, scopes.clone(), public_key.as_deref(), now)?,
            Act::Rotate {
                client,
                public_key,
                overlap,
            } => {
                let active = self.active(client, now).await?;
                let newest = active.last();
                let newest = newest.ok_or_else(|| ActError::NoActiveKey(client.clone()))?;
                let scopes = newest.scopes.clone();
                let overlap = overlap.map_or(OVERLAP, i64::from);
                for key in &active {
                    let to = key.life.retire(now, overlap)?;
                    change.change.push(changed(key, to));
                }
                self.make(client, scopes, public_key.as_deref(), now)?
            }
            Act::RollBack { key } => return self.moved(key, |life| life.roll_back(now)).await,
            Act::Retire { key, overlap } => {
                let overlap = overlap.map_or(0, i64::from);
                return self.moved(key, |life| life.retire(now, overlap)).await;
            }
            Act::Revoke { key } => return self.moved(key, |life| Ok(life.revoke(now))).await,
        };
        change.add.push(made);
        Ok((change, secret))
    }

    /// The keys of a client that are active, the oldest first.
    async fn active(
        &self,
        client: &OwnerName,
        now: UnixTime,
    ) -> Result<Vec<Credential>, StoreError> {
        let owner = Owner::Client(client.clone());
        let mut keys = self.store.credentials_of(&owner).await?;
        keys.retain(|key| key.life.signs(now));
        Ok(keys)
    }

    async fn moved(
        &self,
        id: &KeyId,
        to: impl Fn(LifeCycle) -> Result<LifeCycle, NoTransition>,
    ) -> Result<Change, ActError> {
        let found = self.store.credential(id).await?;
        let found = found.ok_or_else(|| ActError::NoKey(id.clone()))?;
        let change = CredentialChange {
            change: vec![changed(&found, to(found.life)?)],
            ..CredentialChange::default()
        };
        Ok((change, None))
    }
}

fn entry(act: &Act, action: &str, actor: &str, detail: Value, now: UnixTime) -> AuditEntry {
    AuditEntry {
        at: Timestamp(now.0),
        action: action.to_owned(),
        actor: Some(actor.to_owned()),
        subject: act.subject().to_owned(),
        detail,
    }
}

fn changed(key: &Credential, to: LifeCycle) -> LifeChange {
    LifeChange {
        id: key.id.clone(),
        from: key.life,
        to,
    }
}

/// Whether a key is a laggard: its client has a newer one, and still uses this one, which soon is not taken any more.
pub fn is_laggard(key: &Credential, last_used: Option<UnixTime>, now: UnixTime) -> bool {
    matches!(key.life.state(), State::Retiring { since, .. }
        if last_used.is_some_and(|used| used > since && now.since(used) < DAY))
}
