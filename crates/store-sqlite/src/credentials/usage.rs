//! What keys were used for.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;
use tocsin_auth::{Failure, KeyId, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::credential::{MOST_NETWORKS, Usage, Uses};

use super::rows::id;
use crate::column::{signed, unsigned};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "use of a key";
const COUNT: &str = "count what keys were used for";
const READ: &str = "read what keys were used for";

pub(super) async fn count(
    store: &SqliteStore,
    uses: &[Uses],
) -> Result<Vec<(KeyId, String)>, StoreError> {
    let mut news = Vec::new();
    let mut transaction = store.begin(COUNT).await?;
    for used in uses {
        let name = used.key.as_ref().map_or("", KeyId::as_str);
        if let Some(key) = &used.key {
            let known = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!: i64" FROM credentials WHERE id = ?1"#,
                name
            )
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed(COUNT))?;
            if known == 0 {
                continue;
            }
            let fresh = networks(&mut transaction, key, used).await?;
            news.extend(fresh.into_iter().map(|network| (key.clone(), network)));
            answered(&mut transaction, key, used).await?;
        }
        for (kind, count) in &used.failures {
            let count = signed(NOUN, name, *count)?;
            if count == 0 {
                continue;
            }
            let kind = kind.name();
            sqlx::query!(
                "INSERT INTO credential_failures (credential, kind, count, last_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (credential, kind) DO UPDATE
                 SET count = count + excluded.count, last_at = max(last_at, excluded.last_at)",
                name,
                kind,
                count,
                used.at.0
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed(COUNT))?;
        }
    }
    transaction.commit().await.map_err(failed(COUNT))?;
    Ok(news)
}

async fn answered(
    connection: &mut SqliteConnection,
    key: &KeyId,
    used: &Uses,
) -> Result<(), StoreError> {
    let (id, count) = (key.as_str(), signed(NOUN, key, used.answered)?);
    if count == 0 {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO credential_uses (credential, answered, last_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (credential) DO UPDATE
         SET answered = answered + excluded.answered, last_at = max(last_at, excluded.last_at)",
        id,
        count,
        used.at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(COUNT))?;
    Ok(())
}

/// Those that a key that was used before comes from for the first time. Once [`MOST_NETWORKS`] are known, no more are kept,
/// and none is news any more: such a key moves about.
async fn networks(
    connection: &mut SqliteConnection,
    key: &KeyId,
    used: &Uses,
) -> Result<Vec<String>, StoreError> {
    let id = key.as_str();
    let mut known = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!: i64" FROM credential_networks WHERE credential = ?1"#,
        id
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(COUNT))?;
    let was_used = known > 0;
    let mut news = Vec::new();
    for network in &used.networks {
        if known >= i64::from(MOST_NETWORKS) {
            break;
        }
        let added = sqlx::query!(
            "INSERT INTO credential_networks (credential, network, first_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (credential, network) DO NOTHING",
            id,
            network,
            used.at.0
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(COUNT))?;
        if added.rows_affected() > 0 {
            known = known.saturating_add(1);
            if was_used {
                news.push(network.clone());
            }
        }
    }
    Ok(news)
}

pub(super) async fn read(
    store: &SqliteStore,
) -> Result<BTreeMap<Option<KeyId>, Usage>, StoreError> {
    let mut connection = store.snapshot(READ).await?;
    let mut usage: BTreeMap<Option<KeyId>, Usage> = BTreeMap::new();
    let rows = sqlx::query!(
        r#"SELECT credential AS "credential!", answered AS "answered!", last_at AS "last_at!"
           FROM credential_uses WHERE credential >= '' ORDER BY credential"#
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(READ))?;
    for row in rows {
        let used = usage.entry(Some(key(&row.credential)?)).or_default();
        used.answered = number(&row.credential, row.answered)?;
        used.last_used = Some(UnixTime(row.last_at));
    }
    let rows = sqlx::query!(
        r#"SELECT credential AS "credential!", kind AS "kind!", count AS "count!", last_at AS "last_at!"
           FROM credential_failures WHERE credential >= '' ORDER BY credential, kind"#
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(READ))?;
    for row in rows {
        let of = match row.credential.as_str() {
            "" => None,
            name => Some(key(name)?),
        };
        let kind = Failure::named(&row.kind).ok_or_else(|| {
            Flaw(format!("there is no kind of failure `{}`", row.kind))
                .invalid_row(NOUN, &row.credential)
        })?;
        let counted = (number(&row.credential, row.count)?, UnixTime(row.last_at));
        usage.entry(of).or_default().failures.insert(kind, counted);
    }
    let rows = sqlx::query!(
        r#"SELECT credential AS "credential!", network AS "network!", first_at AS "first_at!"
           FROM credential_networks WHERE credential >= '' ORDER BY credential, network"#
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(READ))?;
    for row in rows {
        let used = usage.entry(Some(key(&row.credential)?)).or_default();
        used.networks.insert(row.network, UnixTime(row.first_at));
    }
    Ok(usage)
}

fn key(text: &str) -> Result<KeyId, StoreError> {
    id(text).map_err(|flaw| flaw.invalid_row(NOUN, text))
}

fn number(name: &str, count: i64) -> Result<u64, StoreError> {
    unsigned("count", count).map_err(|flaw| flaw.invalid_row(NOUN, name))
}
