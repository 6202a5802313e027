//! Clients, keys and proposals.

mod nonces;
mod rows;
mod usage;

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::seal::Sealed;
use tocsin_auth::{KeyId, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::credential::{
    Client, Credential, CredentialChange, Credentials, LifeChange, Material, Owner, Proposal,
    Usage, Uses,
};

pub(crate) use self::nonces::NonceQueue;
use self::rows::{ClientRow, CredentialRow, LifeCells, ProposalRow};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "key";
const CHANGE: &str = "change keys";
const READ: &str = "read keys";
const PROPOSALS: &str = "read and change proposals";

#[async_trait]
impl Credentials for SqliteStore {
    async fn add_client(&self, client: &Client) -> Result<(), StoreError> {
        let attempt = "add a client";
        let mut transaction = self.begin(attempt).await?;
        let name = client.name.as_str();
        let added = sqlx::query!(
            "INSERT INTO clients (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            name,
            client.created_at.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        if added.rows_affected() == 0 {
            return Err(StoreError::Conflict {
                noun: "client",
                key: name.to_owned(),
                reason: "there is one of this name".to_owned(),
            });
        }
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let attempt = "read the clients";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            ClientRow,
            r#"SELECT name AS "name!", created_at AS "created_at!" FROM clients WHERE name >= '' ORDER BY name"#
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(ClientRow::decode).collect()
    }

    async fn change_credentials(&self, change: &CredentialChange) -> Result<(), StoreError> {
        let mut transaction = self.begin(CHANGE).await?;
        for credential in &change.add {
            add(&mut transaction, credential).await?;
        }
        for change in &change.change {
            apply(&mut transaction, change).await?;
        }
        transaction.commit().await.map_err(failed(CHANGE))
    }

    async fn reseal(&self, id: &KeyId, from: &Sealed, to: &Sealed) -> Result<(), StoreError> {
        let attempt = "seal a secret anew";
        let mut transaction = self.begin(attempt).await?;
        let (key, master) = (id.as_str(), &to.master.0[..]);
        let changed = sqlx::query!(
            "UPDATE credentials SET master = ?2, wrapped = ?3, sealed = ?4 WHERE id = ?1 AND wrapped = ?5 AND sealed = ?6",
            key,
            master,
            to.wrapped,
            to.body,
            from.wrapped,
            from.body
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        if changed.rows_affected() == 0 {
            return Err(stale(id));
        }
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn credential(&self, id: &KeyId) -> Result<Option<Credential>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        find(&mut connection, id).await
    }

    async fn credentials_of(&self, owner: &Owner) -> Result<Vec<Credential>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let (kind, name) = (owner.kind(), owner.name().as_str());
        let rows = sqlx::query_as!(
            CredentialRow,
            r#"SELECT id AS "id!", owner_kind AS "owner_kind!", owner AS "owner!", public_key AS "public_key?",
                      master AS "master?", wrapped AS "wrapped?", sealed AS "sealed?", scopes AS "scopes!",
                      state AS "state!", since AS "since?", until AS "until?", expires_at AS "expires_at!",
                      created_at AS "created_at!"
               FROM credentials WHERE owner_kind = ?1 AND owner = ?2 ORDER BY created_at, id"#,
            kind,
            name
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(READ))?;
        rows.into_iter().map(CredentialRow::decode).collect()
    }

    async fn credentials(&self) -> Result<Vec<Credential>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let rows = sqlx::query_as!(
            CredentialRow,
            r#"SELECT id AS "id!", owner_kind AS "owner_kind!", owner AS "owner!", public_key AS "public_key?",
                      master AS "master?", wrapped AS "wrapped?", sealed AS "sealed?", scopes AS "scopes!",
                      state AS "state!", since AS "since?", until AS "until?", expires_at AS "expires_at!",
                      created_at AS "created_at!"
               FROM credentials WHERE id >= '' ORDER BY id"#
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(READ))?;
        rows.into_iter().map(CredentialRow::decode).collect()
    }

    async fn use_nonce(
        &self,
        key: &KeyId,
        nonce: NonceHash,
        keep_until: UnixTime,
        now: UnixTime,
    ) -> Result<NonceUse, StoreError> {
        nonces::take(self, key, nonce, keep_until, now).await
    }

    async fn count_uses(&self, uses: &[Uses]) -> Result<Vec<(KeyId, String)>, StoreError> {
        usage::count(self, uses).await
    }

    async fn credential_uses(&self) -> Result<BTreeMap<Option<KeyId>, Usage>, StoreError> {
        usage::read(self).await
    }

    async fn propose(&self, proposal: &Proposal) -> Result<(), StoreError> {
        let mut transaction = self.begin(PROPOSALS).await?;
        let (id, by) = (&proposal.id[..], proposal.proposed_by.as_str());
        let proposer = proposal.proposer.as_str();
        sqlx::query!(
            "DELETE FROM proposals WHERE proposed_at < ?1 AND expires_at <= ?1",
            proposal.proposed_at.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(PROPOSALS))?;
        sqlx::query!(
            "INSERT INTO proposals (id, act, proposed_by, proposer, proposed_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            id,
            proposal.act,
            by,
            proposer,
            proposal.proposed_at.0,
            proposal.expires_at.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(PROPOSALS))?;
        transaction.commit().await.map_err(failed(PROPOSALS))
    }

    async fn proposals(&self, now: UnixTime) -> Result<Vec<Proposal>, StoreError> {
        let mut connection = self.snapshot(PROPOSALS).await?;
        let rows = sqlx::query_as!(
            ProposalRow,
            r#"SELECT id AS "id!", act AS "act!", proposed_by AS "proposed_by!", proposer AS "proposer!",
                      proposed_at AS "proposed_at!", expires_at AS "expires_at!"
               FROM proposals WHERE proposed_at <= ?1 AND expires_at > ?1 ORDER BY proposed_at LIMIT 1000"#,
            now.0
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(PROPOSALS))?;
        rows.into_iter().map(ProposalRow::decode).collect()
    }

    async fn take_proposal(
        &self,
        id: [u8; 16],
        now: UnixTime,
    ) -> Result<Option<Proposal>, StoreError> {
        let mut transaction = self.begin(PROPOSALS).await?;
        let id = &id[..];
        let row = sqlx::query_as!(
            ProposalRow,
            r#"DELETE FROM proposals WHERE id = ?1
               RETURNING id AS "id!", act AS "act!", proposed_by AS "proposed_by!", proposer AS "proposer!",
                         proposed_at AS "proposed_at!", expires_at AS "expires_at!""#,
            id
        )
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed(PROPOSALS))?;
        transaction.commit().await.map_err(failed(PROPOSALS))?;
        let taken = row.map(ProposalRow::decode).transpose()?;
        Ok(taken.filter(|proposal| now < proposal.expires_at))
    }
}

fn stale(id: &KeyId) -> StoreError {
    StoreError::Stale {
        noun: NOUN,
        key: id.to_string(),
    }
}

async fn find(
    connection: &mut SqliteConnection,
    id: &KeyId,
) -> Result<Option<Credential>, StoreError> {
    let key = id.as_str();
    let row = sqlx::query_as!(
        CredentialRow,
        r#"SELECT id AS "id!", owner_kind AS "owner_kind!", owner AS "owner!", public_key AS "public_key?",
                  master AS "master?", wrapped AS "wrapped?", sealed AS "sealed?", scopes AS "scopes!",
                  state AS "state!", since AS "since?", until AS "until?", expires_at AS "expires_at!",
                  created_at AS "created_at!"
           FROM credentials WHERE id = ?1"#,
        key
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(READ))?;
    row.map(CredentialRow::decode).transpose()
}

async fn add(connection: &mut SqliteConnection, new: &Credential) -> Result<(), StoreError> {
    let (kind, owner) = (new.owner.kind(), new.owner.name().as_str());
    if let Owner::Client(name) = &new.owner {
        let known = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!: i64" FROM clients WHERE name = ?1"#,
            owner
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(CHANGE))?;
        if known == 0 {
            return Err(StoreError::Missing {
                noun: "client",
                key: name.to_string(),
            });
        }
    }
    let (public, sealed) = match &new.material {
        Material::Public(public) => (Some(&public[..]), None),
        Material::Secret(sealed) => (None, Some(sealed)),
    };
    let master = sealed.map(|sealed| &sealed.master.0[..]);
    let wrapped = sealed.map(|sealed| sealed.wrapped.as_slice());
    let body = sealed.map(|sealed| sealed.body.as_slice());
    let (id, scopes) = (new.id.as_str(), new.scopes.to_string());
    let LifeCells {
        state,
        since,
        until,
        expires_at,
    } = LifeCells::of(new.life);
    let added = sqlx::query!(
        "INSERT INTO credentials (id, owner_kind, owner, public_key, master, wrapped, sealed, scopes, state, since, until,
                                  expires_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO NOTHING",
        id,
        kind,
        owner,
        public,
        master,
        wrapped,
        body,
        scopes,
        state,
        since,
        until,
        expires_at,
        new.created_at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Conflict {
            noun: NOUN,
            key: new.id.to_string(),
            reason: "there is one of this id".to_owned(),
        });
    }
    Ok(())
}

async fn apply(connection: &mut SqliteConnection, change: &LifeChange) -> Result<(), StoreError> {
    match find(connection, &change.id).await? {
        None => {
            return Err(StoreError::Missing {
                noun: NOUN,
                key: change.id.to_string(),
            });
        }
        Some(stored) if stored.life != change.from => return Err(stale(&change.id)),
        Some(_) => {}
    }
    let id = change.id.as_str();
    let LifeCells {
        state,
        since,
        until,
        expires_at,
    } = LifeCells::of(change.to);
    sqlx::query!(
        "UPDATE credentials SET state = ?2, since = ?3, until = ?4, expires_at = ?5 WHERE id = ?1",
        id,
        state,
        since,
        until,
        expires_at
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    Ok(())
}
