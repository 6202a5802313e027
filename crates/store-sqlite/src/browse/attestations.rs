//! Attestations as a list, the last recorded first.

use sqlx::SqliteConnection;
use tocsin_domain::ids::AttestationId;
use tocsin_store::StoreError;
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::browse::AttestationFilter;

use crate::error::failed;
use crate::proofs::{self, AttestationRow};

/// A page of them; one statement for each index. Of many, the places are sorted, and no more.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    filter: AttestationFilter,
    before: Option<AttestationId>,
    limit: u32,
) -> Result<Vec<AttestationRecord>, StoreError> {
    let attempt = "list attestations";
    let before = match before {
        None => i64::MAX,
        Some(id) => position(connection, id, attempt).await?,
    };
    let rows = match filter {
        AttestationFilter::All => {
            sqlx::query_as!(
                AttestationRow,
                r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                      risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, leaf,
                      batch_id AS "batch_id?", root AS "root?", count AS "count?", attested_at AS "attested_at!"
                   FROM attested WHERE position < ?1 ORDER BY position DESC LIMIT ?2"#,
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        AttestationFilter::Policy(policy) => {
            let policy = policy.0.to_vec();
            sqlx::query_as!(
                AttestationRow,
                r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                      risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, leaf,
                      batch_id AS "batch_id?", root AS "root?", count AS "count?", attested_at AS "attested_at!"
                   FROM attested WHERE policy = ?1 AND position < ?2 ORDER BY position DESC LIMIT ?3"#,
                policy, before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        AttestationFilter::Holder(holder) => {
            let holder = holder.to_vec();
            sqlx::query_as!(
                AttestationRow,
                r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                      risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, leaf,
                      batch_id AS "batch_id?", root AS "root?", count AS "count?", attested_at AS "attested_at!"
                   FROM attested WHERE position IN
                     (SELECT a.position FROM policies AS p CROSS JOIN claims AS c ON c.policy = p.id
                      CROSS JOIN attestations AS a ON a.claim = c.number
                      WHERE p.holder = ?1 AND a.position < ?2 ORDER BY a.position DESC LIMIT ?3)
                   ORDER BY position DESC"#,
                holder, before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        AttestationFilter::Determination(risk, ordinal) => {
            let risk = risk.0.to_vec();
            sqlx::query_as!(
                AttestationRow,
                r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                      risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, leaf,
                      batch_id AS "batch_id?", root AS "root?", count AS "count?", attested_at AS "attested_at!"
                   FROM attested WHERE position IN
                     (SELECT a.position FROM claims AS c CROSS JOIN attestations AS a ON a.claim = c.number
                      WHERE c.risk = ?1 AND c.ordinal = ?2 AND a.position < ?3 ORDER BY a.position DESC LIMIT ?4)
                   ORDER BY position DESC"#,
                risk, ordinal, before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
    };
    let rows = rows.map_err(failed(attempt))?;
    proofs::records(connection, rows, attempt).await
}

async fn position(
    connection: &mut SqliteConnection,
    id: AttestationId,
    attempt: &'static str,
) -> Result<i64, StoreError> {
    let bytes = id.0.as_slice();
    let position = sqlx::query_scalar!(
        r#"SELECT a.position AS "position!" FROM statements AS s JOIN attestations AS a ON a.statement = s.position
           WHERE s.attestation_id = ?1"#,
        bytes
    )
    .fetch_optional(connection)
    .await
    .map_err(failed(attempt))?;
    position.ok_or_else(|| StoreError::Missing {
        noun: "attestation",
        key: id.to_string(),
    })
}
