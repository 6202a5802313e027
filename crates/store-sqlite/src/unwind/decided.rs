//! What was decided of the risks that listen to sources that move.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use tocsin_domain::ids::{ClaimKey, EventId, PolicyId, RiskId, TermsHash};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::unwind::Kept;

use super::{UNWIND, kept};
use crate::column::{address, hexed, to_json, unsigned, word};
use crate::determinations::{self, Key, keys_json};
use crate::error::failed;
use crate::log;

/// Begins the evaluation of risks again. The version rises, so that nobody writes what he made of the old state.
pub(super) async fn restart(
    connection: &mut SqliteConnection,
    risks: impl Iterator<Item = &RiskId>,
) -> Result<(), StoreError> {
    let risks: Vec<String> = risks.map(|risk| hexed(risk.0)).collect();
    let risks = to_json("risk", "keys", &risks)?;
    sqlx::query!(
        "UPDATE risks SET state = initial_state, version = version + 1, evaluated_to = NULL, archived_at = NULL
         WHERE id IN (SELECT unhex(value) FROM json_each(?1))",
        risks
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(UNWIND))?;
    Ok(())
}

/// What no longer stands.
pub(super) struct Undone {
    pub(super) determinations: Vec<Key>,
    pub(super) claims: u64,
    pub(super) kept: Vec<Kept>,
}

/// Removes the determinations that settled after the limit of their risk, and their claims, as far as nothing is reserved.
pub(super) async fn undo(
    connection: &mut SqliteConnection,
    limits: &BTreeMap<RiskId, Option<Timestamp>>,
) -> Result<Undone, StoreError> {
    let fallen = fallen(connection, limits).await?;
    let all = keys_json(fallen.iter().copied())?;
    let reserved = reserved(connection, &all).await?;
    keep(connection, &reserved).await?;
    log::undoing(connection, Some("its evidence was taken back"), UNWIND).await?;
    let claims = remove_claims(connection, &all).await?;
    let standing: BTreeSet<Key> = reserved
        .iter()
        .map(|kept| (kept.risk, kept.ordinal))
        .collect();
    let determinations: Vec<Key> = fallen
        .into_iter()
        .filter(|key| !standing.contains(key))
        .collect();
    let removed = keys_json(determinations.iter().copied())?;
    determinations::remove(connection, &removed, UNWIND).await?;
    log::undoing(connection, None, UNWIND).await?;
    Ok(Undone {
        determinations,
        claims,
        kept: reserved,
    })
}

/// The determinations whose evidence may be gone.
async fn fallen(
    connection: &mut SqliteConnection,
    limits: &BTreeMap<RiskId, Option<Timestamp>>,
) -> Result<Vec<Key>, StoreError> {
    let limits: Vec<(String, Option<i64>)> = limits
        .iter()
        .map(|(risk, limit)| (hexed(risk.0), limit.map(|limit| limit.0)))
        .collect();
    let limits = to_json("risk", "keys", &limits)?;
    let rows = sqlx::query!(
        r#"SELECT d.risk AS "risk!", d.ordinal AS "ordinal!"
           FROM json_each(?1) AS given
           JOIN determinations AS d ON d.risk = unhex(given.value ->> 0)
           WHERE given.value ->> 1 IS NULL OR d.settled_at > given.value ->> 1
           ORDER BY d.risk, d.ordinal"#,
        limits
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(UNWIND))?;
    rows.into_iter()
        .map(|row| {
            let decode = || {
                Ok((
                    RiskId(word("risk", &row.risk)?),
                    unsigned("ordinal", row.ordinal)?,
                ))
            };
            let key = || format!("0x{}/{}", hexed(&row.risk), row.ordinal);
            decode().map_err(|flaw: Flaw| flaw.invalid_row("determination", key()))
        })
        .collect()
}

/// The claims on determinations that may have been signed for: their key is reserved in some domain.
async fn reserved(connection: &mut SqliteConnection, keys: &str) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT claims.policy AS "policy!", claims.risk AS "risk!", claims.ordinal AS "ordinal!", claims.attested AS "attested!: bool",
                  policies.contract AS "contract!", d.terms_hash AS "terms_hash!", d.event_id AS "event_id!"
           FROM json_each(?1) AS given
           JOIN determinations AS d ON d.risk = unhex(given.value ->> 0) AND d.ordinal = given.value ->> 1
           JOIN claims ON claims.risk = d.risk AND claims.ordinal = d.ordinal
           JOIN policies ON policies.id = claims.policy"#,
        keys
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(UNWIND))?;
    let mut found = BTreeSet::new();
    let mut by_key: BTreeMap<String, Kept> = BTreeMap::new();
    for row in rows {
        let claim = kept(&row.risk, row.ordinal, &row.policy)?;
        if row.attested {
            found.insert(claim);
            continue;
        }
        let decode = || {
            Ok(ClaimKey::derive(
                address("contract", &row.contract)?,
                PolicyId(word("policy", &row.policy)?),
                TermsHash(word("terms_hash", &row.terms_hash)?),
                EventId(word("event_id", &row.event_id)?),
            ))
        };
        let key = decode()
            .map_err(|flaw: Flaw| flaw.invalid_row("claim", format!("0x{}", hexed(&row.policy))))?;
        by_key.insert(hexed(key.0), claim);
    }
    let wanted: Vec<&String> = by_key.keys().collect();
    let wanted = to_json("claim", "keys", &wanted)?;
    let held = sqlx::query_scalar!(
        r#"SELECT given.value || '' AS "key!: String" FROM json_each(?1) AS given
           WHERE EXISTS (SELECT 1 FROM statements WHERE statements.claim_key = unhex(given.value))"#,
        wanted
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(UNWIND))?;
    found.extend(held.iter().filter_map(|key| by_key.get(key)));
    Ok(found.into_iter().collect())
}

/// Records what is kept; what was kept before stays acknowledged if it was.
async fn keep(connection: &mut SqliteConnection, claims: &[Kept]) -> Result<(), StoreError> {
    let rows: Vec<(String, u32, String)> = claims
        .iter()
        .map(|kept| (hexed(kept.risk.0), kept.ordinal, hexed(kept.policy.0)))
        .collect();
    let rows = to_json("claim", "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO kept_claims (risk, ordinal, policy)
         SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2) FROM json_each(?1) WHERE true
         ON CONFLICT (risk, ordinal, policy) DO NOTHING",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(UNWIND))?;
    Ok(())
}

/// Removes the claims on determinations that are not kept; those on a kept determination are awaited again.
async fn remove_claims(connection: &mut SqliteConnection, keys: &str) -> Result<u64, StoreError> {
    let removed = sqlx::query!(
        "DELETE FROM claims
         WHERE (risk, ordinal) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1))
           AND NOT EXISTS (SELECT 1 FROM kept_claims AS kept
                           WHERE kept.risk = claims.risk AND kept.ordinal = claims.ordinal AND kept.policy = claims.policy)",
        keys
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(UNWIND))?
    .rows_affected();
    determinations::count_awaited(connection, keys, UNWIND).await?;
    Ok(removed)
}
