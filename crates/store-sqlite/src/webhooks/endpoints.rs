//! Endpoints: who is told. What somebody does to one is said in the log by the same transaction.

use alloy_primitives::FixedBytes;
use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::log::AuditEntry;
use tocsin_store::webhook::{Endpoint, EndpointId, NewEndpoint, Profile, Registration, Standing};

use super::NOUN;
use crate::column::{from_json, present, to_json};
use crate::credentials::change;
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{answers, log};

/// The endpoints of which something holds.
macro_rules! endpoints {
    ($holds:tt $(, $bound:expr)*) => {
        sqlx::query_as!(
            EndpointRow,
            r#"SELECT id AS "id!", url AS "url!", description AS "description!", filter AS "filter!", client AS "client?",
                      created_at AS "created_at!", standing AS "standing!", since AS "since?", reason AS "reason?"
               FROM webhook_endpoints WHERE "# + $holds
            $(, $bound)*
        )
    };
}

/// A client may take half of the places, so that others find one.
async fn check_share(
    connection: &mut SqliteConnection,
    client: &str,
    id: EndpointId,
    at_most: u32,
) -> Result<(), StoreError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!: i64" FROM webhook_endpoints WHERE client = ?1"#,
        client
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("register a webhook endpoint"))?;
    if count >= i64::from(at_most.div_ceil(2)) {
        let full = format!(
            "this client has {count} already, half of the {at_most} that are allowed: remove one first"
        );
        return Err(Flaw(full).refused(NOUN, id));
    }
    Ok(())
}

pub(super) async fn add(
    store: &SqliteStore,
    registration: &Registration,
    at_most: u32,
) -> Result<(), StoreError> {
    let attempt = "register a webhook endpoint";
    let endpoint = &registration.endpoint;
    let id = endpoint.id;
    check::endpoint(endpoint).map_err(|flaw| flaw.refused(NOUN, id))?;
    if registration.secret.owner != id.owner() {
        return Err(Flaw("its secret is somebody else's".to_owned()).refused(NOUN, id));
    }
    let filter = to_json(NOUN, id, &endpoint.profile.filter)?;
    let mut transaction = store.begin(attempt).await?;
    if let Some(answer) = &registration.answer {
        answers::add(&mut transaction, answer, attempt).await?;
    }
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!: i64" FROM webhook_endpoints WHERE id >= x''"#
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    if count >= i64::from(at_most) {
        let full = format!("there are {count} already, and {at_most} are allowed");
        return Err(Flaw(full).refused(NOUN, id));
    }
    if let Some(client) = &endpoint.client {
        check_share(&mut transaction, client, id, at_most).await?;
    }
    let (bytes, profile) = (id.0.as_slice(), &endpoint.profile);
    sqlx::query!(
        "INSERT INTO webhook_endpoints (id, url, description, filter, client, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        bytes,
        profile.url,
        profile.description,
        filter,
        endpoint.client,
        endpoint.created_at.0
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    sqlx::query!(
        "INSERT INTO webhook_lanes (endpoint, cursor)
         VALUES (?1, coalesce((SELECT max(seq) FROM events), 0))",
        bytes
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    change::add(&mut transaction, &registration.secret).await?;
    log::queue(&mut transaction, &registration.audit, attempt).await?;
    transaction.commit().await.map_err(failed(attempt))
}

pub(super) async fn all(store: &SqliteStore) -> Result<Vec<Endpoint>, StoreError> {
    let attempt = "read the webhook endpoints";
    let mut connection = store.snapshot(attempt).await?;
    let rows = endpoints!("id >= x'' ORDER BY id");
    let rows = rows.fetch_all(&mut *connection).await;
    let rows = rows.map_err(failed(attempt))?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

pub(super) async fn by_id(
    store: &SqliteStore,
    id: EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    let attempt = "read a webhook endpoint";
    let mut connection = store.snapshot(attempt).await?;
    find(&mut connection, id, attempt).await
}

pub(super) async fn change_profile(
    store: &SqliteStore,
    id: EndpointId,
    profile: &Profile,
    audit: &AuditEntry,
) -> Result<(), StoreError> {
    let attempt = "change a webhook endpoint";
    check::profile(profile).map_err(|flaw| flaw.refused(NOUN, id))?;
    let filter = to_json(NOUN, id, &profile.filter)?;
    let bytes = id.0.as_slice();
    let mut transaction = store.begin(attempt).await?;
    let changed = sqlx::query!(
        "UPDATE webhook_endpoints SET url = ?2, description = ?3, filter = ?4 WHERE id = ?1",
        bytes,
        profile.url,
        profile.description,
        filter
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    found(id, changed.rows_affected())?;
    log::queue(&mut transaction, audit, attempt).await?;
    transaction.commit().await.map_err(failed(attempt))
}

pub(super) async fn stand(
    store: &SqliteStore,
    id: EndpointId,
    standing: &Standing,
    audit: &AuditEntry,
) -> Result<(), StoreError> {
    let attempt = "let a webhook endpoint be told, or not";
    let (name, since, reason) = match standing {
        Standing::Active => ("active", None, None),
        Standing::Paused => ("paused", None, None),
        Standing::Disabled { since, reason } => ("disabled", Some(since.0), Some(reason)),
    };
    let bytes = id.0.as_slice();
    let mut transaction = store.begin(attempt).await?;
    let changed = sqlx::query!(
        "UPDATE webhook_endpoints SET standing = ?2, since = ?3, reason = ?4 WHERE id = ?1",
        bytes,
        name,
        since,
        reason
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    found(id, changed.rows_affected())?;
    if *standing == Standing::Active {
        sqlx::query!(
            "UPDATE webhook_lanes SET failing = NULL, attempts = NULL, failing_since = NULL, next_at = NULL, reason = NULL,
                    dead_in_a_row = 0
             WHERE endpoint = ?1",
            bytes
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
    }
    log::queue(&mut transaction, audit, attempt).await?;
    transaction.commit().await.map_err(failed(attempt))
}

pub(super) async fn remove(
    store: &SqliteStore,
    id: EndpointId,
    audit: &AuditEntry,
) -> Result<(), StoreError> {
    let attempt = "remove a webhook endpoint";
    let bytes = id.0.as_slice();
    let mut transaction = store.begin(attempt).await?;
    let removed = sqlx::query!("DELETE FROM webhook_endpoints WHERE id = ?1", bytes)
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
    found(id, removed.rows_affected())?;
    change::retire_all(&mut transaction, &id.owner(), audit.at.0, attempt).await?;
    log::queue(&mut transaction, audit, attempt).await?;
    transaction.commit().await.map_err(failed(attempt))
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    id: EndpointId,
    attempt: &'static str,
) -> Result<Option<Endpoint>, StoreError> {
    let bytes = id.0.as_slice();
    let row = endpoints!("id = ?1", bytes)
        .fetch_optional(&mut *connection)
        .await;
    let row = row.map_err(failed(attempt))?;
    row.map(Endpoint::try_from).transpose()
}

pub(super) fn missing(id: EndpointId) -> StoreError {
    StoreError::Missing {
        noun: NOUN,
        key: id.to_string(),
    }
}

fn found(id: EndpointId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(missing(id)) } else { Ok(()) }
}

pub(super) fn endpoint_id(bytes: &[u8]) -> Result<EndpointId, Flaw> {
    let id = FixedBytes::try_from(bytes);
    id.map(EndpointId)
        .map_err(|_other_length| Flaw(format!("its id has {} bytes instead of 16", bytes.len())))
}

struct EndpointRow {
    id: Vec<u8>,
    url: String,
    description: String,
    filter: String,
    client: Option<String>,
    created_at: i64,
    standing: String,
    since: Option<i64>,
    reason: Option<String>,
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = StoreError;

    fn try_from(row: EndpointRow) -> Result<Self, StoreError> {
        let url = row.url.clone();
        row.try_decode().map_err(|flaw| flaw.invalid_row(NOUN, url))
    }
}

impl EndpointRow {
    fn try_decode(self) -> Result<Endpoint, Flaw> {
        let standing = match self.standing.as_str() {
            "active" => Standing::Active,
            "paused" => Standing::Paused,
            "disabled" => Standing::Disabled {
                since: Timestamp(present("since", self.since)?),
                reason: present("reason", self.reason)?,
            },
            other => return Err(Flaw(format!("there is no standing `{other}`"))),
        };
        let endpoint = NewEndpoint {
            id: endpoint_id(&self.id)?,
            profile: Profile {
                url: self.url,
                description: self.description,
                filter: from_json("filter", &self.filter)?,
            },
            client: self.client,
            created_at: Timestamp(self.created_at),
        };
        check::endpoint(&endpoint)?;
        Ok(Endpoint { endpoint, standing })
    }
}
