//! A group of nonces in one commit: a row for each key among them, behind all rows before it.
//!
//! Whether a nonce was taken before is looked up in memory, which has the whole table: while the write lock is held, so that
//! nobody takes one in between, the rows are read that others have written since. Rows are numbered in the order of their
//! commits, and no number comes twice. What this process writes is in memory only once it is committed; where that is in
//! doubt, the next group reads it.
//!
//! Where the clock is set back, signatures become good again whose nonces are forgotten. Up to when the forgotten ones were kept
//! is therefore remembered, in every row, and no such nonce is taken: for a minute or two after such a step, writes are refused.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::hex;
use futures_util::TryStreamExt as _;
use sqlx::{SqliteConnection, SqlitePool};
use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::{KeyId, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::credential::MOST_NONCES;
use tokio::time::Instant;

use super::known::Known;
use super::{Nonce, TAKE, Taken};
use crate::credentials::rows::id;
use crate::error::failed;

const NOUN: &str = "nonces of a key";

/// After so many rows, old ones are taken out.
const SWEPT_AFTER: usize = 64;
/// So many at the most: more than came, so that they are always fewer than were ever good at once.
const SWEPT: u32 = 512;

#[derive(Debug)]
pub(super) struct Book {
    known: Known,
    /// The last row that is in there.
    last: i64,
    /// Nonces that were kept until then or not so long may be forgotten.
    forgotten: UnixTime,
    /// How many rows came since old ones were taken out.
    unswept: usize,
    /// The next commit does not begin before.
    pub(super) rests_until: Option<Instant>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            known: Known::default(),
            last: 0,
            forgotten: UnixTime(0),
            unswept: SWEPT_AFTER,
            rests_until: None,
        }
    }
}

/// What is to be written of a key.
struct Fresh {
    /// How many it had before.
    kept: usize,
    nonces: BTreeSet<NonceHash>,
    keep_until: UnixTime,
}

impl Book {
    /// Takes a group in one commit. One that cannot be taken does not keep the others from it.
    pub(super) async fn take(
        &mut self,
        writer: &SqlitePool,
        group: &[Nonce],
    ) -> Result<Vec<Taken>, StoreError> {
        let Some(now) = group.iter().map(|nonce| nonce.now).min() else {
            return Ok(Vec::new());
        };
        let over = self.known.forget(now);
        self.forgot(over);
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed(TAKE))?;
        self.catch_up(&mut transaction, now).await?;
        let (uses, fresh) = self.judge(group);
        let written = write(&mut transaction, &fresh, self.forgotten).await?;
        let last = written.values().copied().max();
        let is_swept = self.unswept >= SWEPT_AFTER && last.is_some();
        if let Some(last) = last.filter(|_| is_swept) {
            self.forgot(sweep(&mut transaction, now).await?);
            note(&mut transaction, last, self.forgotten).await?;
        }
        transaction.commit().await.map_err(failed(TAKE))?;

        for (key, fresh) in &fresh {
            if written.contains_key(key.as_str()) {
                self.known
                    .add(key, fresh.nonces.iter().copied(), fresh.keep_until);
            }
        }
        self.last = last.unwrap_or(self.last);
        let unswept = if is_swept { 0 } else { self.unswept };
        self.unswept = unswept.saturating_add(written.len());
        let is_there = |key: &KeyId| !fresh.contains_key(key) || written.contains_key(key.as_str());
        let outcomes = group.iter().zip(uses).map(|(nonce, used)| {
            if is_there(&nonce.key) {
                Ok(used)
            } else {
                // The matter of who named it.
                Err(StoreError::Missing {
                    noun: "key",
                    key: nonce.key.to_string(),
                })
            }
        });
        Ok(outcomes.collect())
    }

    /// Reads what others have written.
    async fn catch_up(
        &mut self,
        connection: &mut SqliteConnection,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let mut rows = sqlx::query!(
            "SELECT number, credential, nonces, keep_until, forgotten FROM request_nonces
             WHERE number > ?1 ORDER BY number",
            self.last
        )
        .fetch(connection);
        let mut forgotten = self.forgotten;
        while let Some(row) = rows.try_next().await.map_err(failed(TAKE))? {
            let keep_until = UnixTime(row.keep_until);
            if now <= keep_until {
                let key = id(&row.credential);
                let key = key.map_err(|flaw| flaw.invalid_row(NOUN, &row.credential))?;
                let (nonces, rest) = row.nonces.as_chunks();
                if !rest.is_empty() {
                    return Err(StoreError::InvalidRow {
                        noun: NOUN,
                        key: row.credential,
                        reason: "they are not 32 bytes each".to_owned(),
                    });
                }
                let nonces = nonces.iter().copied().map(NonceHash);
                self.known.add(&key, nonces, keep_until);
            } else {
                forgotten = forgotten.max(keep_until);
            }
            forgotten = forgotten.max(UnixTime(row.forgotten));
            self.last = row.number;
        }
        self.forgotten = forgotten;
        Ok(())
    }

    fn forgot(&mut self, until: Option<UnixTime>) {
        self.forgotten = until.map_or(self.forgotten, |until| until.max(self.forgotten));
    }

    /// What each is, and what is to be written where its key is there. Of a nonce that is in a group twice, the first is
    /// fresh.
    fn judge<'a>(&self, group: &'a [Nonce]) -> (Vec<NonceUse>, BTreeMap<&'a KeyId, Fresh>) {
        let most = usize::try_from(MOST_NONCES).unwrap_or(usize::MAX);
        let mut rows: BTreeMap<&KeyId, Fresh> = BTreeMap::new();
        let uses = group.iter().map(|nonce| {
            let Nonce { key, hash, .. } = nonce;
            if self.known.has(key, hash, nonce.now) {
                return NonceUse::Repeated;
            }
            if nonce.keep_until <= self.forgotten {
                return NonceUse::Unknown;
            }
            let fresh = rows.entry(key).or_insert_with(|| Fresh {
                kept: self.known.count(key),
                nonces: BTreeSet::new(),
                keep_until: nonce.keep_until,
            });
            if fresh.nonces.contains(hash) {
                return NonceUse::Repeated;
            }
            if fresh.kept.saturating_add(fresh.nonces.len()) >= most {
                return NonceUse::Full;
            }
            fresh.nonces.insert(*hash);
            fresh.keep_until = fresh.keep_until.max(nonce.keep_until);
            NonceUse::Fresh
        });
        let uses: Vec<NonceUse> = uses.collect();
        if uses.contains(&NonceUse::Unknown) {
            tracing::error!(
                until = self.forgotten.0,
                "the clock was set back: nonces are refused that end before and may be forgotten"
            );
        }
        rows.retain(|_, fresh| !fresh.nonces.is_empty());
        (uses, rows)
    }
}

/// Writes a row for each key that is there; gives their numbers.
async fn write(
    connection: &mut SqliteConnection,
    fresh: &BTreeMap<&KeyId, Fresh>,
    forgotten: UnixTime,
) -> Result<BTreeMap<String, i64>, StoreError> {
    if fresh.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = fresh.iter().map(|(key, fresh)| {
        let nonces: Vec<[u8; 32]> = fresh.nonces.iter().map(|nonce| nonce.0).collect();
        (
            key.as_str(),
            hex::encode(nonces.as_flattened()),
            fresh.keep_until.0,
        )
    });
    let rows: Vec<_> = rows.collect();
    let rows = serde_json::to_string(&rows).map_err(|error| StoreError::Failed {
        attempt: TAKE,
        source: error.into(),
    })?;
    let written = sqlx::query!(
        r#"INSERT INTO request_nonces (credential, nonces, keep_until, forgotten)
           SELECT credentials.id, unhex(given.value ->> 1), given.value ->> 2, ?2
           FROM json_each(?1) AS given CROSS JOIN credentials ON credentials.id = given.value ->> 0
           RETURNING number AS "number!: i64", credential AS "credential!: String""#,
        rows,
        forgotten.0
    )
    .fetch_all(connection)
    .await
    .map_err(failed(TAKE))?;
    let written = written.into_iter().map(|row| (row.credential, row.number));
    Ok(written.collect())
}

/// Takes out old rows; gives until when the last of them was kept.
async fn sweep(
    connection: &mut SqliteConnection,
    now: UnixTime,
) -> Result<Option<UnixTime>, StoreError> {
    let swept = sqlx::query_scalar!(
        r#"DELETE FROM request_nonces WHERE number IN
               (SELECT number FROM request_nonces WHERE keep_until < ?1 ORDER BY keep_until LIMIT ?2)
           RETURNING keep_until AS "keep_until!: i64""#,
        now.0,
        SWEPT
    )
    .fetch_all(connection)
    .await
    .map_err(failed(TAKE))?;
    Ok(swept.into_iter().max().map(UnixTime))
}

/// Says in the last row what is forgotten.
async fn note(
    connection: &mut SqliteConnection,
    last: i64,
    forgotten: UnixTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE request_nonces SET forgotten = ?2 WHERE number = ?1",
        last,
        forgotten.0
    )
    .execute(connection)
    .await
    .map_err(failed(TAKE))?;
    Ok(())
}
