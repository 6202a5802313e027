//! Webhooks: the endpoints and their secrets; how far each was told is in `lanes`, what happened on the way in `records`.

mod lanes;
mod records;

use alloy_primitives::FixedBytes;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::event::{Event, Seq};
use tocsin_store::webhook::lane::{
    Backlog, DeadLetter, Lane, LaneId, Record, RecordId, Replay, Settlement,
};
use tocsin_store::webhook::{
    Endpoint, EndpointId, NewEndpoint, Profile, Scheme, SecretRecord, Standing, Webhooks,
};

use crate::column::{from_json, present, to_json, unsigned};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "webhook endpoint";

#[async_trait]
impl Webhooks for SqliteStore {
    async fn add_endpoint(
        &self,
        endpoint: &NewEndpoint,
        scheme: Scheme,
        at_most: u32,
    ) -> Result<(), StoreError> {
        let attempt = "register a webhook endpoint";
        let id = endpoint.id;
        check::endpoint(endpoint).map_err(|flaw| flaw.refused(NOUN, id))?;
        let filter = to_json(NOUN, id, &endpoint.profile.filter)?;
        let mut transaction = self.begin(attempt).await?;
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
        insert_secret(&mut transaction, id, scheme, endpoint.created_at, attempt).await?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        let attempt = "read the webhook endpoints";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            EndpointRow,
            r#"SELECT id AS "id!", url AS "url!", description AS "description!", filter AS "filter!", client AS "client?",
                      created_at AS "created_at!", standing AS "standing!", since AS "since?", reason AS "reason?"
               FROM webhook_endpoints WHERE id >= x'' ORDER BY id"#
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Endpoint::try_from).collect()
    }

    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        let attempt = "read a webhook endpoint";
        let mut connection = self.snapshot(attempt).await?;
        find(&mut connection, id, attempt).await
    }

    async fn change_endpoint(&self, id: EndpointId, profile: &Profile) -> Result<(), StoreError> {
        let attempt = "change a webhook endpoint";
        check::profile(profile).map_err(|flaw| flaw.refused(NOUN, id))?;
        let filter = to_json(NOUN, id, &profile.filter)?;
        let bytes = id.0.as_slice();
        let mut transaction = self.begin(attempt).await?;
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
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn set_standing(&self, id: EndpointId, standing: &Standing) -> Result<(), StoreError> {
        let attempt = "let a webhook endpoint be told, or not";
        let (name, since, reason) = match standing {
            Standing::Active => ("active", None, None),
            Standing::Paused => ("paused", None, None),
            Standing::Disabled { since, reason } => ("disabled", Some(since.0), Some(reason)),
        };
        let bytes = id.0.as_slice();
        let mut transaction = self.begin(attempt).await?;
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
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn remove_endpoint(&self, id: EndpointId) -> Result<(), StoreError> {
        let attempt = "remove a webhook endpoint";
        let bytes = id.0.as_slice();
        let mut transaction = self.begin(attempt).await?;
        let removed = sqlx::query!("DELETE FROM webhook_endpoints WHERE id = ?1", bytes)
            .execute(&mut *transaction)
            .await
            .map_err(failed(attempt))?;
        found(id, removed.rows_affected())?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn add_secret(
        &self,
        id: EndpointId,
        scheme: Scheme,
        at: Timestamp,
        others_end: Timestamp,
    ) -> Result<SecretRecord, StoreError> {
        let attempt = "add a secret of a webhook endpoint";
        let bytes = id.0.as_slice();
        let mut transaction = self.begin(attempt).await?;
        if find(&mut transaction, id, attempt).await?.is_none() {
            return Err(missing(id));
        }
        sqlx::query!(
            "UPDATE webhook_secrets SET ends_at = ?2 WHERE endpoint = ?1 AND (ends_at IS NULL OR ends_at > ?2)",
            bytes,
            others_end.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        // The number of one that is long over is not given again: what is derived from it would come back.
        let generation = insert_secret(&mut transaction, id, scheme, at, attempt).await?;
        transaction.commit().await.map_err(failed(attempt))?;
        Ok(SecretRecord {
            generation,
            scheme,
            created_at: at,
            ends_at: None,
        })
    }

    async fn secrets(
        &self,
        id: EndpointId,
        at: Timestamp,
    ) -> Result<Vec<SecretRecord>, StoreError> {
        let attempt = "read which secrets of a webhook endpoint sign";
        let bytes = id.0.as_slice();
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query!(
            r#"SELECT generation AS "generation!", scheme AS "scheme!", created_at AS "created_at!", ends_at AS "ends_at?"
               FROM webhook_secrets WHERE endpoint = ?1 AND (ends_at IS NULL OR ends_at > ?2) ORDER BY generation DESC"#,
            bytes,
            at.0
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        let decoded = rows.into_iter().map(|row| {
            Ok(SecretRecord {
                generation: unsigned("generation", row.generation)?,
                scheme: scheme(&row.scheme)?,
                created_at: Timestamp(row.created_at),
                ends_at: row.ends_at.map(Timestamp),
            })
        });
        let decoded: Result<Vec<_>, Flaw> = decoded.collect();
        decoded.map_err(|flaw| flaw.invalid_row("secret of webhook endpoint", id))
    }

    async fn due_lanes(&self, at: Timestamp) -> Result<Vec<LaneId>, StoreError> {
        lanes::due(self, at).await
    }

    async fn lane(&self, id: LaneId) -> Result<Option<(Endpoint, Lane)>, StoreError> {
        lanes::one(self, id).await
    }

    async fn lane_events(&self, lane: &Lane, limit: u32) -> Result<Vec<Event>, StoreError> {
        lanes::events(self, lane, limit).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        lanes::settle(self, settlements).await
    }

    async fn lanes(&self, id: EndpointId) -> Result<Vec<Lane>, StoreError> {
        lanes::of(self, id).await
    }

    async fn replay(
        &self,
        id: EndpointId,
        replay: &Replay,
        at_most: u32,
    ) -> Result<LaneId, StoreError> {
        lanes::replay(self, id, replay, at_most).await
    }

    async fn deliveries_to(
        &self,
        id: EndpointId,
        before: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<(RecordId, Record)>, StoreError> {
        records::of(self, id, before, limit).await
    }

    async fn dead_letters(
        &self,
        id: EndpointId,
        after: Seq,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        records::dead(self, id, after, limit).await
    }

    async fn webhook_backlogs(&self) -> Result<Vec<(EndpointId, Backlog)>, StoreError> {
        lanes::backlogs(self).await
    }
}

async fn find(
    connection: &mut SqliteConnection,
    id: EndpointId,
    attempt: &'static str,
) -> Result<Option<Endpoint>, StoreError> {
    let bytes = id.0.as_slice();
    let row = sqlx::query_as!(
        EndpointRow,
        r#"SELECT id AS "id!", url AS "url!", description AS "description!", filter AS "filter!", client AS "client?",
                  created_at AS "created_at!", standing AS "standing!", since AS "since?", reason AS "reason?"
           FROM webhook_endpoints WHERE id = ?1"#,
        bytes
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    row.map(Endpoint::try_from).transpose()
}

async fn insert_secret(
    connection: &mut SqliteConnection,
    id: EndpointId,
    scheme: Scheme,
    at: Timestamp,
    attempt: &'static str,
) -> Result<u32, StoreError> {
    let bytes = id.0.as_slice();
    let scheme = match scheme {
        Scheme::Hmac => "hmac",
        Scheme::Ed25519 => "ed25519",
    };
    let generation = sqlx::query_scalar!(
        r#"INSERT INTO webhook_secrets (endpoint, generation, scheme, created_at)
           VALUES (?1, 1 + coalesce((SELECT max(generation) FROM webhook_secrets WHERE endpoint = ?1), 0), ?2, ?3)
           RETURNING generation AS "generation!""#,
        bytes,
        scheme,
        at.0
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let generation = unsigned("generation", generation);
    generation.map_err(|flaw: Flaw| flaw.invalid_row(NOUN, id))
}

fn scheme(name: &str) -> Result<Scheme, Flaw> {
    match name {
        "hmac" => Ok(Scheme::Hmac),
        "ed25519" => Ok(Scheme::Ed25519),
        _ => Err(Flaw(format!("there is no scheme `{name}`"))),
    }
}

fn missing(id: EndpointId) -> StoreError {
    StoreError::Missing {
        noun: NOUN,
        key: id.to_string(),
    }
}

fn found(id: EndpointId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(missing(id)) } else { Ok(()) }
}

fn endpoint_id(bytes: &[u8]) -> Result<EndpointId, Flaw> {
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
