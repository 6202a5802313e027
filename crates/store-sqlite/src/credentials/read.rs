//! Reading clients and keys.

use sqlx::SqliteConnection;
use tocsin_auth::KeyId;
use tocsin_store::StoreError;
use tocsin_store::credential::{Client, Credential, Owner};

use super::rows::{ClientRow, CredentialRow};
use crate::error::failed;
use crate::store::SqliteStore;

const READ: &str = "read keys";

/// The keys of which something holds.
macro_rules! keys {
    ($holds:tt $(, $bound:expr)*) => {
        sqlx::query_as!(
            CredentialRow,
            r#"SELECT id AS "id!", owner_kind AS "owner_kind!", owner AS "owner!", public_key AS "public_key?",
                      master AS "master?", wrapped AS "wrapped?", sealed AS "sealed?", scopes AS "scopes!",
                      state AS "state!", since AS "since?", until AS "until?", expires_at AS "expires_at!",
                      created_at AS "created_at!"
               FROM credentials WHERE "# + $holds
            $(, $bound)*
        )
    };
}

pub(super) async fn clients(store: &SqliteStore) -> Result<Vec<Client>, StoreError> {
    let attempt = "read the clients";
    let mut connection = store.snapshot(attempt).await?;
    let rows = sqlx::query_as!(
        ClientRow,
        r#"SELECT name AS "name!", created_at AS "created_at!" FROM clients WHERE name >= '' ORDER BY name"#
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter().map(ClientRow::decode).collect()
}

pub(super) async fn one(
    connection: &mut SqliteConnection,
    id: &KeyId,
) -> Result<Option<Credential>, StoreError> {
    let key = id.as_str();
    let row = keys!("id = ?1", key).fetch_optional(&mut *connection).await;
    let row = row.map_err(failed(READ))?;
    row.map(CredentialRow::decode).transpose()
}

/// The key as whoever is asked to trust it is told: one that contradicts what the log says of it is nobody's.
pub(super) async fn by_id(
    store: &SqliteStore,
    id: &KeyId,
) -> Result<Option<Credential>, StoreError> {
    let mut connection = store.snapshot(READ).await?;
    let doubts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM log_doubts WHERE kind = 'key' AND subject = ?1")
            .bind(id.as_str())
            .fetch_one(&mut *connection)
            .await
            .map_err(failed(READ))?;
    if doubts > 0 {
        return Ok(None);
    }
    one(&mut connection, id).await
}

pub(super) async fn of(store: &SqliteStore, owner: &Owner) -> Result<Vec<Credential>, StoreError> {
    let mut connection = store.snapshot(READ).await?;
    let (kind, name) = (owner.kind(), owner.name().as_str());
    let rows = keys!(
        "owner_kind = ?1 AND owner = ?2 ORDER BY created_at, id",
        kind,
        name
    );
    let rows = rows.fetch_all(&mut *connection).await;
    decoded(rows.map_err(failed(READ))?)
}

pub(super) async fn all(store: &SqliteStore) -> Result<Vec<Credential>, StoreError> {
    let mut connection = store.snapshot(READ).await?;
    let rows = keys!("id >= '' ORDER BY id");
    let rows = rows.fetch_all(&mut *connection).await;
    decoded(rows.map_err(failed(READ))?)
}

fn decoded(rows: Vec<CredentialRow>) -> Result<Vec<Credential>, StoreError> {
    rows.into_iter().map(CredentialRow::decode).collect()
}
