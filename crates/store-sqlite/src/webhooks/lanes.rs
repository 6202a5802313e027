//! Lanes: what is due, and how far each has come.

use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::event::{Event, Events, Seq};
use tocsin_store::log::AuditEntry;
use tocsin_store::webhook::lane::{AnswerOf, Backlog, Lane, LaneId, Replay, Trouble};
use tocsin_store::webhook::{Endpoint, EndpointId};

use super::endpoints::{endpoint_id, find, missing};
use crate::answers;
use crate::column::{present, signed, unsigned};
use crate::error::failed;
use crate::events::EventRow;
use crate::log;
use crate::store::SqliteStore;

pub(super) const NOUN: &str = "webhook lane";

/// The lanes of which something holds.
macro_rules! lanes {
    ($holds:tt $(, $bound:expr)*) => {
        sqlx::query_as!(
            LaneRow,
            r#"SELECT id AS "id!", endpoint AS "endpoint!", replay_after AS "replay_after?", until AS "until?",
                      only_dead AS "only_dead!", cursor AS "cursor!", failing AS "failing?", attempts AS "attempts?",
                      failing_since AS "failing_since?", next_at AS "next_at?", reason AS "reason?",
                      dead_in_a_row AS "dead_in_a_row!"
               FROM webhook_lanes WHERE "# + $holds
            $(, $bound)*
        )
    };
}

pub(super) async fn due(store: &SqliteStore, at: Timestamp) -> Result<Vec<LaneId>, StoreError> {
    let attempt = "read which webhooks are due";
    let mut connection = store.snapshot(attempt).await?;
    let rows = sqlx::query_scalar!(
        r#"SELECT lane.id AS "id!: i64"
           FROM webhook_endpoints AS endpoint JOIN webhook_lanes AS lane ON lane.endpoint = endpoint.id
           WHERE endpoint.id >= x'' AND endpoint.standing = 'active' AND (lane.next_at IS NULL OR lane.next_at <= ?1)
             AND lane.cursor < coalesce(lane.until, (SELECT max(seq) FROM events), 0)
             AND (lane.until IS NULL
                  OR lane.id = (SELECT min(other.id) FROM webhook_lanes AS other
                                WHERE other.endpoint = endpoint.id AND other.until IS NOT NULL))
           ORDER BY lane.id"#,
        at.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter()
        .map(|id| lane_id(id).map_err(|flaw| flaw.invalid_row(NOUN, id)))
        .collect()
}

pub(super) async fn one(
    store: &SqliteStore,
    id: LaneId,
) -> Result<Option<(Endpoint, Lane)>, StoreError> {
    let attempt = "read a lane of a webhook endpoint";
    let number = signed(NOUN, id, id.0)?;
    let mut connection = store.snapshot(attempt).await?;
    let row = lanes!("id = ?1", number)
        .fetch_optional(&mut *connection)
        .await;
    let Some(row) = row.map_err(failed(attempt))? else {
        return Ok(None);
    };
    let lane = Lane::try_from(row)?;
    let endpoint = find(&mut connection, lane.endpoint, attempt).await?;
    Ok(endpoint.map(|endpoint| (endpoint, lane)))
}

pub(super) async fn of(store: &SqliteStore, id: EndpointId) -> Result<Vec<Lane>, StoreError> {
    let attempt = "read the lanes of a webhook endpoint";
    let bytes = id.0.as_slice();
    let mut connection = store.snapshot(attempt).await?;
    let rows = lanes!("endpoint = ?1 ORDER BY id", bytes)
        .fetch_all(&mut *connection)
        .await;
    let rows = rows.map_err(failed(attempt))?;
    rows.into_iter().map(Lane::try_from).collect()
}

pub(super) async fn events(
    store: &SqliteStore,
    lane: &Lane,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let Some(replay) = lane.replay else {
        return store.events_after(lane.cursor, limit).await;
    };
    let attempt = "read events to be told once more";
    let cursor = signed(NOUN, lane.id, lane.cursor.0)?;
    let until = signed(NOUN, lane.id, replay.until.0)?;
    let bytes = lane.endpoint.0.as_slice();
    let mut connection = store.snapshot(attempt).await?;
    let rows = if replay.only_dead {
        sqlx::query_as!(
            EventRow,
            r#"SELECT e.seq AS "seq!", e.kind AS "kind!", e.at AS "at!", e.terms AS "terms?", e.holder AS "holder?",
                      e.body AS "body!"
               FROM webhook_dead_letters AS dead JOIN events AS e ON e.seq = dead.seq
               WHERE dead.endpoint = ?1 AND dead.seq > ?2 AND dead.seq <= ?3 ORDER BY dead.seq LIMIT ?4"#,
            bytes,
            cursor,
            until,
            limit
        )
        .fetch_all(&mut *connection)
        .await
    } else {
        sqlx::query_as!(
            EventRow,
            r#"SELECT seq AS "seq!", kind AS "kind!", at AS "at!", terms AS "terms?", holder AS "holder?", body AS "body!"
               FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3"#,
            cursor,
            until,
            limit
        )
        .fetch_all(&mut *connection)
        .await
    };
    let rows = rows.map_err(failed(attempt))?;
    rows.into_iter().map(Event::try_from).collect()
}

pub(super) async fn replay(
    store: &SqliteStore,
    id: EndpointId,
    replay: &Replay,
    at_most: u32,
    audit: &AuditEntry,
    answer: Option<AnswerOf<'_>>,
) -> Result<LaneId, StoreError> {
    let attempt = "begin to tell a webhook endpoint once more";
    let refused = |why: String| Flaw(why).refused("replay to webhook endpoint", id);
    if replay.after >= replay.until {
        let (after, until) = (replay.after, replay.until);
        return Err(refused(format!(
            "there is nothing after {after} and up to {until}"
        )));
    }
    let after = signed(NOUN, id, replay.after.0)?;
    let until = signed(NOUN, id, replay.until.0)?;
    let bytes = id.0.as_slice();
    let mut transaction = store.begin(attempt).await?;
    if find(&mut transaction, id, attempt).await?.is_none() {
        return Err(missing(id));
    }
    let waiting = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!: i64" FROM webhook_lanes WHERE endpoint = ?1 AND until IS NOT NULL"#,
        bytes
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    if waiting >= i64::from(at_most) {
        return Err(refused(format!(
            "{waiting} replays are under way already, and {at_most} are allowed"
        )));
    }
    let lane = sqlx::query_scalar!(
        r#"INSERT INTO webhook_lanes (endpoint, replay_after, until, only_dead, cursor) VALUES (?1, ?2, ?3, ?4, ?2)
           RETURNING id AS "id!""#,
        bytes,
        after,
        until,
        replay.only_dead
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    let lane = lane_id(lane).map_err(|flaw| flaw.invalid_row(NOUN, lane))?;
    if let Some(answer) = answer {
        answers::add(&mut transaction, &answer(lane), attempt).await?;
    }
    log::queue(&mut transaction, audit, attempt).await?;
    transaction.commit().await.map_err(failed(attempt))?;
    Ok(lane)
}

pub(super) async fn backlogs(
    store: &SqliteStore,
) -> Result<Vec<(EndpointId, Backlog)>, StoreError> {
    let attempt = "count what waits for webhook endpoints";
    let kept = store.events_kept().await?;
    let mut connection = store.snapshot(attempt).await?;
    let rows = sqlx::query!(
        r#"SELECT endpoint.id AS "id!", lane.cursor AS "cursor!",
                  (SELECT events.at FROM events WHERE events.seq > lane.cursor ORDER BY events.seq LIMIT 1) AS "oldest_at?: i64",
                  (SELECT count(*) FROM webhook_dead_letters AS dead WHERE dead.endpoint = endpoint.id) AS "dead!: i64"
           FROM webhook_endpoints AS endpoint JOIN webhook_lanes AS lane ON lane.endpoint = endpoint.id AND lane.until IS NULL
           WHERE endpoint.id >= x'' ORDER BY endpoint.id"#
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let decoded = rows.into_iter().map(|row| {
        let cursor: u64 = unsigned("cursor", row.cursor)?;
        let backlog = Backlog {
            waiting: kept.last.0.saturating_sub(cursor.max(kept.forgotten.0)),
            oldest_at: row.oldest_at.map(Timestamp),
            dead: unsigned("dead", row.dead)?,
            missed: kept.forgotten.0.saturating_sub(cursor),
        };
        Ok((endpoint_id(&row.id)?, backlog))
    });
    let decoded: Result<Vec<_>, Flaw> = decoded.collect();
    decoded.map_err(|flaw| flaw.invalid_row(NOUN, "backlog"))
}

fn lane_id(id: i64) -> Result<LaneId, Flaw> {
    unsigned("id", id).map(LaneId)
}

struct LaneRow {
    id: i64,
    endpoint: Vec<u8>,
    replay_after: Option<i64>,
    until: Option<i64>,
    only_dead: i64,
    cursor: i64,
    failing: Option<i64>,
    attempts: Option<i64>,
    failing_since: Option<i64>,
    next_at: Option<i64>,
    reason: Option<String>,
    dead_in_a_row: i64,
}

impl TryFrom<LaneRow> for Lane {
    type Error = StoreError;

    fn try_from(row: LaneRow) -> Result<Self, StoreError> {
        let id = row.id;
        row.try_decode().map_err(|flaw| flaw.invalid_row(NOUN, id))
    }
}

impl LaneRow {
    fn try_decode(self) -> Result<Lane, Flaw> {
        let replay = match self.until {
            None => None,
            Some(until) => Some(Replay {
                after: Seq(unsigned(
                    "replay_after",
                    present("replay_after", self.replay_after)?,
                )?),
                until: Seq(unsigned("until", until)?),
                only_dead: self.only_dead == 1,
            }),
        };
        let trouble = match self.failing {
            None => None,
            Some(failing) => Some(Trouble {
                seq: Seq(unsigned("failing", failing)?),
                attempts: unsigned("attempts", present("attempts", self.attempts)?)?,
                since: Timestamp(present("failing_since", self.failing_since)?),
                next_at: Timestamp(present("next_at", self.next_at)?),
                reason: present("reason", self.reason)?,
            }),
        };
        Ok(Lane {
            id: lane_id(self.id)?,
            endpoint: endpoint_id(&self.endpoint)?,
            replay,
            cursor: Seq(unsigned("cursor", self.cursor)?),
            trouble,
            dead_in_a_row: unsigned("dead_in_a_row", self.dead_in_a_row)?,
        })
    }
}
