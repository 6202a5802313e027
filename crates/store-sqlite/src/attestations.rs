//! Attestations, and the deliveries that begin with them.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{AttestationId, BatchId, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::attestation::{
    AttestationRecord, Attestations, BatchMember, BatchRecord, Issued, Signed,
};
use tocsin_store::check::{self, Flaw};
use tocsin_store::delivery::NewDelivery;

use crate::error::failed;
use crate::proofs::{self, AttestationRow};
use crate::store::SqliteStore;
use crate::{batches, claims, deliveries, reservations};

const NOUN: &str = "attestation";
const ADD: &str = "record an attestation";

#[async_trait]
impl Attestations for SqliteStore {
    async fn add_attestations(&self, issued: &[Issued<'_>]) -> Result<(), StoreError> {
        for one in issued {
            check::attestation(one.attestation)
                .map_err(|flaw| flaw.refused(NOUN, one.attestation.id))?;
        }
        let mut transaction = self.begin(ADD).await?;
        for one in issued {
            add(&mut transaction, one.attestation, one.deliveries).await?;
        }
        transaction.commit().await.map_err(failed(ADD))
    }

    async fn add_batch(
        &self,
        batch: &BatchRecord,
        members: &[BatchMember],
    ) -> Result<(), StoreError> {
        batches::add(self, batch, members).await
    }

    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>, StoreError> {
        let attempt = "read a batch";
        let mut connection = self.snapshot(attempt).await?;
        batches::find(&mut connection, id, attempt).await
    }

    async fn attestation(
        &self,
        id: AttestationId,
    ) -> Result<Option<AttestationRecord>, StoreError> {
        let mut connection = self.snapshot("read an attestation").await?;
        find(&mut connection, id, "read an attestation").await
    }

    async fn attestations_of(
        &self,
        policy: PolicyId,
    ) -> Result<Vec<AttestationRecord>, StoreError> {
        let attempt = "read the attestations of a policy";
        let mut connection = self.snapshot(attempt).await?;
        of(&mut connection, policy, attempt).await
    }

    async fn recent_attestations(&self, limit: u32) -> Result<Vec<AttestationRecord>, StoreError> {
        let mut connection = self.snapshot("read the newest attestations").await?;
        let rows = sqlx::query_as!(
            AttestationRow,
            r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                      risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, leaf,
                      batch_id AS "batch_id?", root AS "root?", count AS "count?", attested_at AS "attested_at!"
               FROM attested ORDER BY position DESC LIMIT ?1"#,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("read the newest attestations"))?;
        proofs::records(&mut connection, rows, "read the newest attestations").await
    }
}

/// The attestations of a policy, in the order in which they were recorded.
pub(crate) async fn of(
    connection: &mut SqliteConnection,
    policy: PolicyId,
    attempt: &'static str,
) -> Result<Vec<AttestationRecord>, StoreError> {
    let policy = policy.0.as_slice();
    let rows = sqlx::query_as!(
        AttestationRow,
        r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                  risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, leaf,
                  batch_id AS "batch_id?", root AS "root?", count AS "count?", attested_at AS "attested_at!"
           FROM attested WHERE policy = ?1 ORDER BY position"#,
        policy
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    proofs::records(connection, rows, attempt).await
}

async fn add(
    connection: &mut SqliteConnection,
    attestation: &AttestationRecord,
    deliveries: &[NewDelivery],
) -> Result<(), StoreError> {
    let Signed::Alone(signatures) = &attestation.signed else {
        let flaw = Flaw("it is signed by its batch, and comes with that".to_owned());
        return Err(flaw.refused(NOUN, attestation.id));
    };
    match find(connection, attestation.id, ADD).await? {
        Some(stored) if stored == *attestation => return Ok(()),
        Some(_) => {
            return Err(StoreError::Conflict {
                noun: NOUN,
                key: attestation.id.to_string(),
                reason:
                    "the same payload is stored with other signatures, another time or another claim"
                        .to_owned(),
            });
        }
        None => {}
    }
    // What was signed is what was reserved.
    let (domain, key) = (attestation.domain_separator, attestation.claim_key);
    reservations::check_journaled(connection, domain, key, attestation.id, ADD).await?;
    mark_claim(connection, attestation).await?;
    insert(connection, attestation, signatures).await?;
    deliveries::queue(connection, attestation, deliveries).await
}

pub(crate) async fn find(
    connection: &mut SqliteConnection,
    id: AttestationId,
    attempt: &'static str,
) -> Result<Option<AttestationRecord>, StoreError> {
    let id = id.0.as_slice();
    let row = sqlx::query_as!(
        AttestationRow,
        r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                  risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, leaf,
                  batch_id AS "batch_id?", root AS "root?", count AS "count?", attested_at AS "attested_at!"
           FROM attested WHERE id = ?1"#,
        id
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let rows = row.into_iter().collect();
    Ok(proofs::records(connection, rows, attempt).await?.pop())
}

/// Its claim, which must be eligible, no longer waits.
async fn mark_claim(
    connection: &mut SqliteConnection,
    attestation: &AttestationRecord,
) -> Result<(), StoreError> {
    let (policy, risk) = (
        attestation.policy.0.as_slice(),
        attestation.risk.0.as_slice(),
    );
    let claim = claims::name(attestation.policy, attestation.ordinal);
    let eligible = sqlx::query_scalar!(
        r#"UPDATE claims SET attested = eligible WHERE policy = ?1 AND risk = ?2 AND ordinal = ?3
           RETURNING eligible AS "eligible!: bool""#,
        policy,
        risk,
        attestation.ordinal
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    match eligible {
        Some(true) => Ok(()),
        Some(false) => {
            Err(Flaw(format!("its claim {claim} was refused")).refused(NOUN, attestation.id))
        }
        None => Err(StoreError::Missing {
            noun: "claim",
            key: claim,
        }),
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    attestation: &AttestationRecord,
    signatures: &[u8],
) -> Result<(), StoreError> {
    let id = attestation.id.0.as_slice();
    let policy = attestation.policy.0.as_slice();
    let signed = sqlx::query!(
        "INSERT INTO attestations (statement, claim, signatures, attested_at)
         SELECT s.position, c.number, ?4, ?5 FROM statements AS s JOIN claims AS c ON c.policy = ?2 AND c.ordinal = ?3
         WHERE s.attestation_id = ?1",
        id,
        policy,
        attestation.ordinal,
        signatures,
        attestation.attested_at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    // Both were found a moment ago.
    if signed.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing {
            noun: "statement or claim of attestation",
            key: attestation.id.to_string(),
        })
    }
}
