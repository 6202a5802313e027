//! The eligibility log: leaves, tiles and checkpoints.
//!
//! Its queries are checked when they run, by the tests that run each of them: they name views that the queries of no other
//! noun may depend on.

mod append;
mod compare;
mod coverage;
mod doubts;
mod logged;
mod looks;
mod origins;
mod outcomes;
mod schema;

use async_trait::async_trait;
use serde_json::Value;
use sqlx::SqliteConnection;
use tocsin_domain::claim::Claim;
use tocsin_domain::time::Timestamp;
use tocsin_log::{Edge, Hash, TileId};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::log::{
    Appended, Appending, Audit, AuditEntry, Discrepancy, Doubt, Fact, Leaf, Log, Origin,
    StoredCheckpoint, Tree,
};

use crate::column::{signed, unsigned};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "leaf";
const READ: &str = "read the eligibility log";

/// The columns of a leaf.
type LeafRow = (i64, String, String, i64, String);

/// The columns of a signed state.
type CheckpointRow = (i64, String, i64);

#[async_trait]
impl Log for SqliteStore {
    async fn append(&self, appending: &Appending<'_>) -> Result<Appended, StoreError> {
        let mut transaction = self.begin(append::APPEND).await?;
        let (appended, changed) = append::append(&mut transaction, appending).await?;
        if changed {
            let committed = transaction.commit().await;
            committed.map_err(failed(append::APPEND))?;
            self.tell();
        }
        Ok(appended)
    }

    async fn tree(&self) -> Result<Tree, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let edge = append::edge(&mut connection, READ).await?;
        Ok(tree(&edge))
    }

    async fn leaves(&self, first: u64, limit: u32) -> Result<Vec<Leaf>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let rows: Vec<LeafRow> = sqlx::query_as(
            "SELECT place, kind, subject, ordinal, entry FROM log_leaves WHERE place >= ?1 ORDER BY place LIMIT ?2",
        )
        .bind(signed(NOUN, first, first)?)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(READ))?;
        rows.into_iter().map(leaf).collect()
    }

    async fn leaves_about(
        &self,
        subject: &str,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Leaf>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let rows: Vec<LeafRow> = sqlx::query_as(
            "SELECT place, kind, subject, ordinal, entry FROM log_leaves
             WHERE subject = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY place DESC LIMIT ?3",
        )
        .bind(subject)
        .bind(kind)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(READ))?;
        rows.into_iter().map(leaf).collect()
    }

    async fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        sqlx::query_scalar("SELECT hashes FROM log_tiles WHERE level = ?1 AND place = ?2")
            .bind(id.level)
            .bind(signed("tile", id.index, id.index)?)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed(READ))
    }

    async fn put_checkpoint(&self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let attempt = "record a checkpoint of the log";
        let mut transaction = self.begin(attempt).await?;
        sqlx::query(
            "INSERT INTO log_checkpoints (size, note, signed_at) VALUES (?1, ?2, ?3) ON CONFLICT (size) DO NOTHING",
        )
        .bind(signed("checkpoint", checkpoint.size, checkpoint.size)?)
        .bind(&checkpoint.note)
        .bind(checkpoint.signed_at.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let row: Option<CheckpointRow> = sqlx::query_as(
            "SELECT size, note, signed_at FROM log_checkpoints ORDER BY size DESC LIMIT 1",
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(READ))?;
        row.map(checkpoint).transpose()
    }

    async fn checkpoint_with(&self, index: u64) -> Result<Option<StoredCheckpoint>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let row: Option<CheckpointRow> = sqlx::query_as(
            "SELECT size, note, signed_at FROM log_checkpoints WHERE size > ?1 ORDER BY size LIMIT 1",
        )
        .bind(signed(NOUN, index, index)?)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(READ))?;
        row.map(checkpoint).transpose()
    }

    async fn logged(&self, claims: Vec<Claim>) -> Result<Vec<Claim>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        logged::logged(&mut connection, claims).await
    }

    async fn compare(&self, limit: u32) -> Result<Vec<Discrepancy>, StoreError> {
        let mut connection = self.snapshot(compare::COMPARE).await?;
        compare::compare(&mut connection, limit).await
    }

    async fn doubts(&self, limit: u32) -> Result<Vec<Doubt>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        doubts::read(&mut connection, limit).await
    }

    async fn settle_doubts(&self, now: Timestamp) -> Result<Vec<Doubt>, StoreError> {
        let attempt = "settle doubts about the eligibility log";
        let mut transaction = self.begin(attempt).await?;
        let remaining = doubts::settle(&mut transaction, now).await?;
        transaction.commit().await.map_err(failed(attempt))?;
        Ok(remaining)
    }

    async fn hold(&self, reason: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        let attempt = "hold the eligibility log";
        let mut transaction = self.begin(attempt).await?;
        origins::hold(&mut transaction, reason, now).await?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn origin(&self) -> Result<Option<Origin>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        origins::newest(&mut connection).await
    }

    async fn begin_origin(
        &self,
        verifier: &str,
        told: Option<&Value>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let attempt = "record by which key the eligibility log is signed";
        let mut transaction = self.begin(attempt).await?;
        origins::begin(&mut transaction, verifier, told, now).await?;
        transaction.commit().await.map_err(failed(attempt))
    }
}

#[async_trait]
impl Audit for SqliteStore {
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let attempt = "record what was done";
        let mut transaction = self.begin(attempt).await?;
        for entry in entries {
            queue(&mut transaction, entry, attempt).await?;
        }
        transaction.commit().await.map_err(failed(attempt))
    }
}

/// Queues an entry in the transaction of what it tells of.
pub(crate) async fn queue(
    connection: &mut SqliteConnection,
    entry: &AuditEntry,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let fact = Fact::new("audit", &entry.subject, 0, entry.at, entry.body());
    queue_fact(connection, &fact, attempt).await
}

/// Queues what has no row that a trigger could see.
pub(crate) async fn queue_fact(
    connection: &mut SqliteConnection,
    fact: &Fact,
    attempt: &'static str,
) -> Result<(), StoreError> {
    // Refused here, where somebody can say less, rather than when everything waits for its leaf.
    fact.entry()?;
    sqlx::query("INSERT INTO log_queue (kind, subject, ordinal, body) VALUES (?1, ?2, ?3, ?4)")
        .bind(&fact.kind)
        .bind(&fact.subject)
        .bind(signed(NOUN, &fact.subject, fact.ordinal)?)
        .bind(fact.body.to_string())
        .execute(&mut *connection)
        .await
        .map_err(failed(attempt))?;
    Ok(())
}

/// Refuses to journal what would be signed while the log is held: this database may have forgotten what was signed.
pub(crate) async fn not_held(
    connection: &mut SqliteConnection,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let held: Option<String> = sqlx::query_scalar("SELECT reason FROM log_held WHERE id = 1")
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(attempt))?;
    match held {
        None => Ok(()),
        Some(reason) => {
            let flaw = Flaw(format!("the eligibility log is held: {reason}"));
            Err(flaw.refused("signature", "of anything"))
        }
    }
}

/// Says for what reason decisions are taken back from here on in this transaction, or that no more are. What is taken back
/// without one was not taken back by Tocsin, and is a doubt.
pub(crate) async fn undoing(
    connection: &mut SqliteConnection,
    because: Option<&str>,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let query = match because {
        Some(because) => sqlx::query(
            "INSERT INTO log_undoing (id, because) VALUES (1, ?1)
             ON CONFLICT (id) DO UPDATE SET because = excluded.because",
        )
        .bind(because),
        None => sqlx::query("DELETE FROM log_undoing WHERE id = 1"),
    };
    query
        .execute(&mut *connection)
        .await
        .map_err(failed(attempt))?;
    Ok(())
}

fn leaf((place, kind, subject, ordinal, entry): LeafRow) -> Result<Leaf, StoreError> {
    let number = |column, number| {
        unsigned(column, number).map_err(|flaw: Flaw| flaw.invalid_row(NOUN, place))
    };
    Ok(Leaf {
        index: number("place", place)?,
        kind,
        subject,
        ordinal: number("ordinal", ordinal)?,
        entry,
    })
}

fn checkpoint((size, note, signed_at): CheckpointRow) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        size: unsigned("size", size).map_err(|flaw: Flaw| flaw.invalid_row("checkpoint", size))?,
        note,
        signed_at: Timestamp(signed_at),
    })
}

fn tree(edge: &Edge) -> Tree {
    Tree {
        size: edge.size(),
        root: edge.root(),
    }
}

/// The hashes of a stored tile.
fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let chunks = bytes.chunks(Hash::BYTES);
    chunks.filter_map(Hash::from_slice).collect()
}
