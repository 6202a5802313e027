//! Batches: many attestations in a few statements.

use std::sync::LazyLock;

use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::attestation::AttestationBatch;
use tocsin_domain::ids::BatchId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestation::{AttestationRecord, BatchMember, BatchRecord, Signed};
use tocsin_store::check::{self, Flaw};

use crate::bulk::Bulk;
use crate::column::{hexed, signed, to_json, unsigned, word};
use crate::error::failed;
use crate::reservations;
use crate::store::SqliteStore;

const NOUN: &str = "batch";
const ADD: &str = "record a batch";

/// Attestations that are looked at in one statement.
const ROWS_PER_CHECK: usize = 1024;

pub(crate) async fn add(
    store: &SqliteStore,
    batch: &BatchRecord,
    members: &[BatchMember],
) -> Result<(), StoreError> {
    check::batch(batch)
        .and_then(|()| check::members(batch, members))
        .map_err(|flaw| flaw.refused(NOUN, batch.id))?;
    let mut transaction = store.begin_many(ADD, members.len()).await?;
    match find(&mut transaction, batch.id, ADD).await? {
        Some(stored) if stored == *batch => return Ok(()),
        Some(_) => {
            return Err(StoreError::Conflict {
                noun: NOUN,
                key: batch.id.to_string(),
                reason: "the same is stored with other signatures or another time".to_owned(),
            });
        }
        None => {}
    }
    insert(&mut transaction, batch).await?;
    let rows = members
        .iter()
        .map(MemberRow::of)
        .collect::<Result<Vec<_>, _>>()?;
    for chunk in rows.chunks(ROWS_PER_CHECK) {
        let named: Vec<_> = chunk.iter().map(named).collect();
        let named = to_json(NOUN, batch.id, &named)?;
        check_rests(&mut transaction, &named).await?;
        mark_claims(&mut transaction, &named).await?;
    }
    insert_members(&mut transaction, &rows).await?;
    store.commit_many(transaction, ADD, members.len()).await
}

pub(crate) async fn find(
    connection: &mut SqliteConnection,
    id: BatchId,
    attempt: &'static str,
) -> Result<Option<BatchRecord>, StoreError> {
    let key = id.0.as_slice();
    let row = sqlx::query_as!(
        BatchRow,
        r#"SELECT id AS "id!", domain_separator AS "domain_separator!", root AS "root!", count AS "count!",
                  issued_at AS "issued_at!", signer_epoch AS "signer_epoch!", signatures AS "signatures!",
                  attested_at AS "attested_at!"
           FROM batches WHERE id = ?1"#,
        key
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    row.map(BatchRecord::try_from).transpose()
}

struct BatchRow {
    id: Vec<u8>,
    domain_separator: Vec<u8>,
    root: Vec<u8>,
    count: i64,
    issued_at: i64,
    signer_epoch: i64,
    signatures: Vec<u8>,
    attested_at: i64,
}

impl TryFrom<BatchRow> for BatchRecord {
    type Error = StoreError;

    fn try_from(row: BatchRow) -> Result<Self, StoreError> {
        let decode = || {
            let record = Self {
                id: BatchId(word("id", &row.id)?),
                domain_separator: word("domain_separator", &row.domain_separator)?,
                batch: AttestationBatch {
                    root: word("root", &row.root)?,
                    count: unsigned("count", row.count)?,
                    issuedAt: unsigned("issued_at", row.issued_at)?,
                    signerEpoch: unsigned("signer_epoch", row.signer_epoch)?,
                },
                signatures: row.signatures,
                attested_at: Timestamp(row.attested_at),
            };
            check::batch(&record)?;
            Ok(record)
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, format!("0x{}", hexed(&row.id))))
    }
}

/// An attestation of a batch, in cells.
struct MemberRow<'a> {
    attestation: &'a AttestationRecord,
    batch: &'a [u8],
    place: u32,
    proof: Vec<u8>,
    delivery: Option<DeliveryCells<'a>>,
}

struct DeliveryCells<'a> {
    chain: i64,
    consumer: &'a [u8],
    calldata: &'a [u8],
    not_before: i64,
}

impl<'a> MemberRow<'a> {
    fn of(member: &'a BatchMember) -> Result<Self, StoreError> {
        let BatchMember {
            attestation,
            delivery,
        } = member;
        let Signed::InBatch {
            batch,
            place,
            proof,
        } = &attestation.signed
        else {
            let flaw = Flaw("it was signed alone".to_owned());
            return Err(flaw.refused("attestation", attestation.id));
        };
        let delivery = delivery.as_ref().map(|call| {
            Ok::<_, StoreError>(DeliveryCells {
                chain: signed("delivery", attestation.id, call.chain_id)?,
                consumer: call.consumer.as_slice(),
                calldata: &call.calldata,
                not_before: call.not_before.unwrap_or(attestation.attested_at).0,
            })
        });
        Ok(Self {
            attestation,
            batch: batch.0.as_slice(),
            place: *place,
            proof: proof.concat(),
            delivery: delivery.transpose()?,
        })
    }
}

/// What an attestation rests on, as it travels to SQLite.
#[derive(Serialize)]
struct Named {
    id: String,
    domain: String,
    key: String,
    policy: String,
    risk: String,
    ordinal: u32,
}

fn named(row: &MemberRow<'_>) -> Named {
    let attestation = row.attestation;
    Named {
        id: hexed(attestation.id.0),
        domain: hexed(attestation.domain_separator),
        key: hexed(attestation.claim_key.0),
        policy: hexed(attestation.policy.0),
        risk: hexed(attestation.risk.0),
        ordinal: attestation.ordinal,
    }
}

async fn insert(connection: &mut SqliteConnection, record: &BatchRecord) -> Result<(), StoreError> {
    let id = record.id.0.as_slice();
    let domain_separator = record.domain_separator.as_slice();
    let root = record.batch.root.as_slice();
    let issued_at = signed(NOUN, record.id, record.batch.issuedAt)?;
    sqlx::query!(
        "INSERT INTO batches (id, domain_separator, root, count, issued_at, signer_epoch, signatures, attested_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        id,
        domain_separator,
        root,
        record.batch.count,
        issued_at,
        record.batch.signerEpoch,
        record.signatures,
        record.attested_at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    Ok(())
}

/// Each is of an eligible claim, is what was reserved, and is not stored yet.
async fn check_rests(connection: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    let wrong = sqlx::query!(
        r#"SELECT wanted.value ->> 'id' AS "id!: String", wanted.value ->> 'key' AS "key!: String",
                  wanted.value ->> 'ordinal' AS "ordinal!: i64", wanted.value ->> 'policy' AS "policy!: String",
                  s.attestation_id IS NOT NULL AS "journaled!: bool", c.eligible AS "eligible?: bool", a.id AS "stored?",
                  (SELECT r.attestation_id FROM reservations AS r
                   WHERE r.domain_separator = unhex(wanted.value ->> 'domain')
                     AND r.claim_key = unhex(wanted.value ->> 'key')) AS "newest?"
           FROM json_each(?1) AS wanted
           LEFT JOIN statements AS s ON s.attestation_id = unhex(wanted.value ->> 'id')
                AND s.domain_separator = unhex(wanted.value ->> 'domain') AND s.claim_key = unhex(wanted.value ->> 'key')
           LEFT JOIN claims AS c ON c.policy = unhex(wanted.value ->> 'policy')
                AND c.ordinal = wanted.value ->> 'ordinal' AND c.risk = unhex(wanted.value ->> 'risk')
           LEFT JOIN attestations AS a ON a.id = unhex(wanted.value ->> 'id')
           WHERE s.attestation_id IS NULL OR c.eligible IS NOT 1 OR a.id IS NOT NULL
           LIMIT 1"#,
        rows
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    let Some(wrong) = wrong else {
        return Ok(());
    };
    let (id, key) = (format!("0x{}", wrong.id), format!("0x{}", wrong.key));
    Err(match (wrong.journaled, wrong.eligible) {
        (false, _) => reservations::not_journaled(key, id, wrong.newest.as_deref()),
        (true, None) => StoreError::Missing {
            noun: "claim",
            key: format!("0x{}/{}", wrong.policy, wrong.ordinal),
        },
        (true, Some(false)) => Flaw("its claim was refused".to_owned()).refused("attestation", id),
        (true, Some(true)) => StoreError::Conflict {
            noun: "attestation",
            key: id,
            reason: "it is stored already, signed alone or in another batch".to_owned(),
        },
    })
}

async fn mark_claims(connection: &mut SqliteConnection, named: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE claims SET attested = 1 FROM json_each(?1) AS given
         WHERE claims.policy = unhex(given.value ->> 'policy') AND claims.ordinal = given.value ->> 'ordinal'",
        named
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    Ok(())
}

static ATTESTATIONS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "id, domain_separator, claim_key, policy, risk, ordinal, payload, batch, place, proof, attested_at";
    Bulk::insert_into("attestations", columns, "")
});

static DELIVERIES: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "attestation, claim_key, chain_id, consumer, calldata, state, not_before";
    Bulk::insert_into("deliveries", columns, "")
});

async fn insert_members(
    connection: &mut SqliteConnection,
    rows: &[MemberRow<'_>],
) -> Result<(), StoreError> {
    ATTESTATIONS
        .insert(connection, rows, ADD, |statement, row| {
            let attestation = row.attestation;
            statement
                .bind(attestation.id.0.as_slice())
                .bind(attestation.domain_separator.as_slice())
                .bind(attestation.claim_key.0.as_slice())
                .bind(attestation.policy.0.as_slice())
                .bind(attestation.risk.0.as_slice())
                .bind(attestation.ordinal)
                .bind(attestation.payload.as_slice())
                .bind(row.batch)
                .bind(row.place)
                .bind(row.proof.as_slice())
                .bind(attestation.attested_at.0)
        })
        .await?;
    let deliveries: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row.attestation, row.delivery.as_ref()?)))
        .collect();
    DELIVERIES
        .insert(
            connection,
            &deliveries,
            ADD,
            |statement, (attestation, call)| {
                statement
                    .bind(attestation.id.0.as_slice())
                    .bind(attestation.claim_key.0.as_slice())
                    .bind(call.chain)
                    .bind(call.consumer)
                    .bind(call.calldata)
                    .bind("queued")
                    .bind(call.not_before)
            },
        )
        .await?;
    Ok(())
}
