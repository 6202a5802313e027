//! What happens to clients and keys in one step.

use sqlx::SqliteConnection;
use tocsin_auth::KeyId;
use tocsin_auth::seal::Sealed;
use tocsin_store::StoreError;
use tocsin_store::credential::{
    Client, Credential, CredentialChange, LifeChange, Material, Owner, OwnerName,
};
use tocsin_store::webhook::EndpointId;

use super::{CHANGE, NOUN, proposals, read};
use crate::error::failed;
use crate::lives::LifeCells;
use crate::store::SqliteStore;
use crate::{answers, log};

pub(super) async fn all(store: &SqliteStore, change: &CredentialChange) -> Result<(), StoreError> {
    let mut transaction = store.begin(CHANGE).await?;
    if let Some(id) = change.proposal {
        proposals::take(&mut transaction, id, CHANGE).await?;
    }
    for client in &change.clients {
        add_client(&mut transaction, client).await?;
    }
    for credential in &change.add {
        add(&mut transaction, credential).await?;
    }
    for change in &change.change {
        apply(&mut transaction, change).await?;
    }
    for entry in &change.audit {
        log::queue(&mut transaction, entry, CHANGE).await?;
    }
    if let Some(answer) = &change.answer {
        answers::add(&mut transaction, answer, CHANGE).await?;
    }
    transaction.commit().await.map_err(failed(CHANGE))
}

pub(super) async fn reseal(
    store: &SqliteStore,
    id: &KeyId,
    from: &Sealed,
    to: &Sealed,
) -> Result<(), StoreError> {
    let attempt = "seal a secret anew";
    let mut transaction = store.begin(attempt).await?;
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

fn stale(id: &KeyId) -> StoreError {
    StoreError::Stale {
        noun: NOUN,
        key: id.to_string(),
    }
}

async fn add_client(connection: &mut SqliteConnection, client: &Client) -> Result<(), StoreError> {
    let name = client.name.as_str();
    let added = sqlx::query!(
        "INSERT INTO clients (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
        name,
        client.created_at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Conflict {
            noun: "client",
            key: name.to_owned(),
            reason: "there is one of this name".to_owned(),
        });
    }
    Ok(())
}

/// A key belongs to somebody who is there.
async fn check_owner(connection: &mut SqliteConnection, owner: &Owner) -> Result<(), StoreError> {
    let (noun, known) = match owner {
        Owner::Client(name) => {
            let name = name.as_str();
            let known = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!: i64" FROM clients WHERE name = ?1"#,
                name
            );
            ("client", known.fetch_one(&mut *connection).await)
        }
        Owner::Webhook(name) => {
            // What is no id is none of an endpoint.
            let Ok(EndpointId(id)) = name.as_str().parse() else {
                return Err(missing("webhook endpoint", name));
            };
            let bytes = id.as_slice();
            let known = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!: i64" FROM webhook_endpoints WHERE id = ?1"#,
                bytes
            );
            ("webhook endpoint", known.fetch_one(&mut *connection).await)
        }
    };
    match known.map_err(failed(CHANGE))? {
        0 => Err(missing(noun, owner.name())),
        _ => Ok(()),
    }
}

/// Whoever has a key of ed25519 is one person, and what was ended once is not to come again.
async fn check_public_key(
    connection: &mut SqliteConnection,
    id: &KeyId,
    public: &[u8; 32],
) -> Result<(), StoreError> {
    let public = &public[..];
    let known = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM credentials WHERE owner_kind = 'client' AND public_key = ?1"#,
        public
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    match known {
        None => Ok(()),
        Some(known) => Err(StoreError::Conflict {
            noun: NOUN,
            key: id.to_string(),
            reason: format!(
                "the key `{known}` has this public key, or had it: a public key is used once, so make another pair"
            ),
        }),
    }
}

fn missing(noun: &'static str, name: &OwnerName) -> StoreError {
    StoreError::Missing {
        noun,
        key: name.to_string(),
    }
}

pub(crate) async fn add(
    connection: &mut SqliteConnection,
    new: &Credential,
) -> Result<(), StoreError> {
    check_owner(connection, &new.owner).await?;
    if let (Owner::Client(_), Material::Public(public)) = (&new.owner, &new.material) {
        check_public_key(connection, &new.id, public).await?;
    }
    let (kind, owner) = (new.owner.kind(), new.owner.name().as_str());
    let public = match &new.material {
        Material::Public(public) | Material::Pair { public, .. } => Some(&public[..]),
        Material::Secret(_) => None,
    };
    let sealed = new.material.sealed();
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
    match read::one(connection, &change.id).await? {
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

/// The keys of an owner who is gone retire.
pub(crate) async fn retire_all(
    connection: &mut SqliteConnection,
    owner: &Owner,
    at: i64,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let (kind, name) = (owner.kind(), owner.name().as_str());
    sqlx::query!(
        "UPDATE credentials SET state = 'retired', since = ?3, until = NULL
         WHERE owner_kind = ?1 AND owner = ?2 AND state NOT IN ('retired', 'revoked')",
        kind,
        name,
        at
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
