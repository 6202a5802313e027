//! Unwinding: everything that rests on blocks which a chain took back, out of the books in one transaction.

mod decided;
mod moving;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::unwind::{Kept, KeptClaim, Mark, Unwinds, Unwound};

use crate::column::{hexed, to_json, unsigned, word};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "kept claim";
const UNWIND: &str = "unwind sources";
const ACKNOWLEDGE: &str = "acknowledge kept claims";

#[async_trait]
impl Unwinds for SqliteStore {
    async fn unwind(&self, sources: &[SourceId], to: Option<&Mark>) -> Result<Unwound, StoreError> {
        let mut transaction = self.begin(UNWIND).await?;
        let moving = moving::find(&mut transaction, sources, to).await?;
        if moving.is_empty() {
            return Ok(Unwound::default());
        }
        let removed = moving::remove_observations(&mut transaction, &moving).await?;
        let limits = moving::risks(&mut transaction, &moving, removed.earliest).await?;
        decided::restart(&mut transaction, limits.keys()).await?;
        let undone = decided::undo(&mut transaction, &limits).await?;
        moving::take_back(&mut transaction, &moving).await?;
        transaction.commit().await.map_err(failed(UNWIND))?;
        Ok(Unwound {
            sources: moving.into_iter().map(|source| source.id).collect(),
            observations: removed.count,
            risks: limits.into_keys().collect(),
            determinations: undone.determinations,
            claims: undone.claims,
            kept: undone.kept,
        })
    }

    async fn kept(&self) -> Result<Vec<KeptClaim>, StoreError> {
        let attempt = "read the claims that were kept";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query!(
            r#"SELECT risk AS "risk!", ordinal AS "ordinal!", policy AS "policy!", acknowledged_at AS "acknowledged_at?"
               FROM kept_claims WHERE risk >= x'' ORDER BY risk, ordinal, policy"#
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter()
            .map(|row| {
                Ok(KeptClaim {
                    kept: kept(&row.risk, row.ordinal, &row.policy)?,
                    acknowledged_at: row.acknowledged_at.map(Timestamp),
                })
            })
            .collect()
    }

    async fn acknowledge(&self, kept: &[Kept], at: Timestamp) -> Result<(), StoreError> {
        let rows: Vec<(String, u32, String)> = kept
            .iter()
            .map(|kept| (hexed(kept.risk.0), kept.ordinal, hexed(kept.policy.0)))
            .collect();
        let rows = to_json(NOUN, "batch", &rows)?;
        let mut transaction = self.begin(ACKNOWLEDGE).await?;
        let missing = sqlx::query!(
            r#"SELECT value ->> 2 AS "policy!: String", value ->> 1 AS "ordinal!: i64" FROM json_each(?1)
               WHERE NOT EXISTS (SELECT 1 FROM kept_claims AS kept
                                 WHERE kept.risk = unhex(value ->> 0) AND kept.ordinal = value ->> 1
                                   AND kept.policy = unhex(value ->> 2))
               LIMIT 1"#,
            rows
        )
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed(ACKNOWLEDGE))?;
        if let Some(row) = missing {
            return Err(StoreError::Missing {
                noun: NOUN,
                key: format!("0x{}/{}", row.policy, row.ordinal),
            });
        }
        sqlx::query!(
            "UPDATE kept_claims SET acknowledged_at = coalesce(acknowledged_at, ?2)
             FROM json_each(?1) AS given
             WHERE kept_claims.risk = unhex(given.value ->> 0) AND kept_claims.ordinal = given.value ->> 1
               AND kept_claims.policy = unhex(given.value ->> 2)",
            rows,
            at.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(ACKNOWLEDGE))?;
        transaction.commit().await.map_err(failed(ACKNOWLEDGE))
    }
}

fn kept(risk: &[u8], ordinal: i64, policy: &[u8]) -> Result<Kept, StoreError> {
    let decode = || {
        Ok(Kept {
            risk: RiskId(word("risk", risk)?),
            ordinal: unsigned("ordinal", ordinal)?,
            policy: PolicyId(word("policy", policy)?),
        })
    };
    decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, format!("0x{}/{ordinal}", hexed(policy))))
}

/// Whether determinations were kept, and whether everybody's claim on them was acknowledged.
pub(crate) async fn kept_of(
    connection: &mut SqliteConnection,
    keys: &str,
    attempt: &'static str,
) -> Result<Vec<(RiskId, u32, bool)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT kept.risk AS "risk!", kept.ordinal AS "ordinal!", kept.policy AS "policy!",
                  (kept.acknowledged_at IS NOT NULL) AS "acknowledged!: bool"
           FROM json_each(?1) AS given
           JOIN kept_claims AS kept ON kept.risk = unhex(given.value ->> 0) AND kept.ordinal = given.value ->> 1"#,
        keys
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter()
        .map(|row| {
            let Kept { risk, ordinal, .. } = kept(&row.risk, row.ordinal, &row.policy)?;
            Ok((risk, ordinal, row.acknowledged))
        })
        .collect()
}

/// Determinations that were kept are decided anew: they are in force, and their claims with them.
pub(crate) async fn decide_anew(
    connection: &mut SqliteConnection,
    keys: &str,
    attempt: &'static str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM kept_claims
         WHERE (risk, ordinal) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1))",
        keys
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
