//! The life of attestors' keys: moved, noticed and counted.

mod rows;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use tocsin_auth::{LifeCycle, State};
use tocsin_domain::attestation::EpochNotice;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestor::{
    AttestorChange, Attestors, EpochMove, NewNotice, Place, PlaceUse, SignerFailures,
};
use tocsin_store::log::Fact;

use self::rows::{FailureRow, LifeRow, NoticeRow, UseRow};
use crate::column::signed;
use crate::error::failed;
use crate::lives::LifeCells;
use crate::log;
use crate::store::SqliteStore;

const NOUN: &str = "epoch";
const CHANGE: &str = "record where attestors' keys are in their life";

#[async_trait]
impl Attestors for SqliteStore {
    async fn epoch_lives(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<u32, LifeCycle>, StoreError> {
        let attempt = "read where attestors' keys are in their life";
        let mut connection = self.snapshot(attempt).await?;
        let domain = domain_separator.as_slice();
        let rows = sqlx::query_as!(
            LifeRow,
            r#"SELECT epoch AS "epoch!", state AS "state!", since, until, expires_at AS "expires_at!"
               FROM epoch_lives WHERE domain_separator = ?1 ORDER BY epoch"#,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(LifeRow::decode).collect()
    }

    async fn change_attestors(
        &self,
        change: &AttestorChange,
    ) -> Result<Vec<(u32, EpochNotice)>, StoreError> {
        let mut transaction = self.begin(CHANGE).await?;
        for moved in &change.moves {
            move_epoch(&mut transaction, change, moved).await?;
        }
        let mut given = Vec::new();
        for notice in &change.notices {
            if give(&mut transaction, change, notice).await? {
                given.push((notice.epoch, notice.notice));
            }
        }
        for (signer, times) in &change.failures {
            fail(&mut transaction, change, signer, *times).await?;
        }
        transaction.commit().await.map_err(failed(CHANGE))?;
        Ok(given)
    }

    async fn epoch_notices(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<(u32, EpochNotice), Timestamp>, StoreError> {
        let attempt = "read what was said of epochs";
        let mut connection = self.snapshot(attempt).await?;
        let domain = domain_separator.as_slice();
        let rows = sqlx::query_as!(
            NoticeRow,
            r#"SELECT epoch AS "epoch!", notice AS "notice!", at AS "at!"
               FROM epoch_notices WHERE domain_separator = ?1 ORDER BY epoch, notice"#,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(NoticeRow::decode).collect()
    }

    async fn attestor_uses(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<Place, PlaceUse>, StoreError> {
        let attempt = "read what attestors' keys were used for";
        let mut connection = self.snapshot(attempt).await?;
        let domain = domain_separator.as_slice();
        let rows = sqlx::query_as!(
            UseRow,
            r#"SELECT epoch AS "epoch!", bitmap AS "bitmap!", signed AS "signed!", claims AS "claims!", last_at AS "last_at!"
               FROM signer_uses WHERE domain_separator = ?1 ORDER BY epoch, bitmap"#,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        let mut uses = BTreeMap::new();
        for row in rows {
            row.add_to(&mut uses)?;
        }
        Ok(uses)
    }

    async fn signer_failures(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<Address, SignerFailures>, StoreError> {
        let attempt = "read which keys could not sign";
        let mut connection = self.snapshot(attempt).await?;
        let domain = domain_separator.as_slice();
        let rows = sqlx::query_as!(
            FailureRow,
            r#"SELECT signer AS "signer!", count AS "count!", last_at AS "last_at!"
               FROM signer_failures WHERE domain_separator = ?1 ORDER BY signer"#,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(FailureRow::decode).collect()
    }
}

async fn move_epoch(
    connection: &mut SqliteConnection,
    change: &AttestorChange,
    moved: &EpochMove,
) -> Result<(), StoreError> {
    let (domain, epoch) = (change.domain_separator.as_slice(), moved.epoch);
    let stored = sqlx::query_as!(
        LifeRow,
        r#"SELECT epoch AS "epoch!", state AS "state!", since, until, expires_at AS "expires_at!"
           FROM epoch_lives WHERE domain_separator = ?1 AND epoch = ?2"#,
        domain,
        epoch
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    let stored = stored.map(LifeRow::decode).transpose()?;
    if stored.map(|(_, life)| life) != moved.from {
        return Err(StoreError::Stale {
            noun: NOUN,
            key: epoch.to_string(),
        });
    }
    let LifeCells {
        state,
        since,
        until,
        expires_at,
    } = LifeCells::of(moved.to);
    sqlx::query!(
        "INSERT INTO epoch_lives (domain_separator, epoch, state, since, until, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (domain_separator, epoch) DO UPDATE SET state = excluded.state, since = excluded.since,
             until = excluded.until, expires_at = excluded.expires_at",
        domain,
        epoch,
        state,
        since,
        until,
        expires_at
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    for signer in &moved.signers {
        let body = json!({
            "domain_separator": change.domain_separator,
            "was": moved.from.map(LifeCycle::state).map(State::name),
            "state": state,
            "since": since,
            "until": until,
            "expires_at": expires_at,
        });
        let subject = format!("{signer:#x}");
        queue(
            connection,
            change.at,
            "attestor.state",
            subject,
            epoch,
            body,
        )
        .await?;
    }
    Ok(())
}

/// Whether it was not given before.
async fn give(
    connection: &mut SqliteConnection,
    change: &AttestorChange,
    new: &NewNotice,
) -> Result<bool, StoreError> {
    let (domain, notice) = (change.domain_separator.as_slice(), new.notice.name());
    let given = sqlx::query!(
        "INSERT INTO epoch_notices (domain_separator, epoch, notice, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (domain_separator, epoch, notice) DO NOTHING",
        domain,
        new.epoch,
        notice,
        change.at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    if given.rows_affected() == 0 {
        return Ok(false);
    }
    let kind = format!("attestor.{notice}");
    let subject = change.domain_separator.to_string();
    let detail = new.detail.clone();
    queue(connection, change.at, &kind, subject, new.epoch, detail).await?;
    Ok(true)
}

async fn fail(
    connection: &mut SqliteConnection,
    change: &AttestorChange,
    signer: &Address,
    times: u64,
) -> Result<(), StoreError> {
    let (domain, key) = (change.domain_separator.as_slice(), signer.as_slice());
    let times = signed(NOUN, signer, times)?;
    sqlx::query!(
        "INSERT INTO signer_failures (domain_separator, signer, count, last_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (domain_separator, signer) DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at",
        domain,
        key,
        times,
        change.at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    Ok(())
}

async fn queue(
    connection: &mut SqliteConnection,
    at: Timestamp,
    kind: &str,
    subject: String,
    epoch: u32,
    body: Value,
) -> Result<(), StoreError> {
    let fact = Fact::new(kind, subject, u64::from(epoch), at, body);
    log::queue_fact(connection, &fact, CHANGE).await
}
