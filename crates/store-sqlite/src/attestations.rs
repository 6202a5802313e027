//! Attestations, and the deliveries that begin with them.

use alloy_primitives::B256;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey, PolicyId, RiskId};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestation::{
    AttestationRecord, Attestations, BatchMember, BatchRecord, Issued, Signed,
};
use tocsin_store::check::{self, Flaw};
use tocsin_store::delivery::NewDelivery;

use crate::column::{hexed, unsigned, word};
use crate::error::failed;
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
        let mut connection = self.snapshot("read the attestations of a policy").await?;
        let policy = policy.0.as_slice();
        let rows = sqlx::query_as!(
            AttestationRow,
            r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                      risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, proof,
                      attested_at AS "attested_at!"
               FROM attestations WHERE policy = ?1 ORDER BY position"#,
            policy
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("read the attestations of a policy"))?;
        rows.into_iter().map(AttestationRecord::try_from).collect()
    }

    async fn recent_attestations(&self, limit: u32) -> Result<Vec<AttestationRecord>, StoreError> {
        let mut connection = self.snapshot("read the newest attestations").await?;
        let rows = sqlx::query_as!(
            AttestationRow,
            r#"SELECT id AS "id!", domain_separator AS "domain_separator!", claim_key AS "claim_key!", policy AS "policy!",
                      risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, proof,
                      attested_at AS "attested_at!"
               FROM attestations ORDER BY position DESC LIMIT ?1"#,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("read the newest attestations"))?;
        rows.into_iter().map(AttestationRecord::try_from).collect()
    }
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

struct AttestationRow {
    id: Vec<u8>,
    domain_separator: Vec<u8>,
    claim_key: Vec<u8>,
    policy: Vec<u8>,
    risk: Vec<u8>,
    ordinal: i64,
    payload: Vec<u8>,
    signatures: Option<Vec<u8>>,
    batch: Option<Vec<u8>>,
    place: Option<i64>,
    proof: Option<Vec<u8>>,
    attested_at: i64,
}

impl TryFrom<AttestationRow> for AttestationRecord {
    type Error = StoreError;

    fn try_from(row: AttestationRow) -> Result<Self, StoreError> {
        let decode = || {
            let record = Self {
                id: AttestationId(word("id", &row.id)?),
                domain_separator: word("domain_separator", &row.domain_separator)?,
                claim_key: ClaimKey(word("claim_key", &row.claim_key)?),
                policy: PolicyId(word("policy", &row.policy)?),
                risk: RiskId(word("risk", &row.risk)?),
                ordinal: unsigned("ordinal", row.ordinal)?,
                payload: row.payload,
                signed: signed(row.signatures, row.batch, row.place, row.proof)?,
                attested_at: Timestamp(row.attested_at),
            };
            check::attestation(&record)?;
            Ok(record)
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, format!("0x{}", hexed(&row.id))))
    }
}

fn signed(
    signatures: Option<Vec<u8>>,
    batch: Option<Vec<u8>>,
    place: Option<i64>,
    proof: Option<Vec<u8>>,
) -> Result<Signed, Flaw> {
    match (signatures, batch, place, proof) {
        (Some(signatures), None, None, None) => Ok(Signed::Alone(signatures)),
        (None, Some(batch), Some(place), Some(proof)) => {
            let (siblings, rest) = proof.as_chunks::<32>();
            if !rest.is_empty() {
                return Err(Flaw(format!(
                    "its proof of {} bytes is not of whole siblings",
                    proof.len()
                )));
            }
            Ok(Signed::InBatch {
                batch: BatchId(word("batch", &batch)?),
                place: unsigned("place", place)?,
                proof: siblings.iter().map(B256::from).collect(),
            })
        }
        _ => Err(Flaw(
            "it needs either signatures, or a batch with a place and a proof".to_owned(),
        )),
    }
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
                  risk AS "risk!", ordinal AS "ordinal!", payload AS "payload!", signatures, batch, place, proof,
                  attested_at AS "attested_at!"
           FROM attestations WHERE id = ?1"#,
        id
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    row.map(AttestationRecord::try_from).transpose()
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
    let domain_separator = attestation.domain_separator.as_slice();
    let claim_key = attestation.claim_key.0.as_slice();
    let (policy, risk) = (
        attestation.policy.0.as_slice(),
        attestation.risk.0.as_slice(),
    );
    sqlx::query!(
        "INSERT INTO attestations (id, domain_separator, claim_key, policy, risk, ordinal, payload, signatures, attested_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        id,
        domain_separator,
        claim_key,
        policy,
        risk,
        attestation.ordinal,
        attestation.payload,
        signatures,
        attestation.attested_at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    Ok(())
}
