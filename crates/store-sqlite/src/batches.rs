//! Batches: many attestations in a few statements.

use std::sync::LazyLock;

use futures_util::future;
use sqlx::SqliteConnection;
use tocsin_domain::attestation::{AttestationBatch, BatchTree};
use tocsin_domain::ids::BatchId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestation::{AttestationRecord, BatchMember, BatchRecord};
use tocsin_store::check::{self, Flaw};
use tocsin_store::delivery::NewDelivery;
use tocsin_store::spread;

use crate::bulk::Bulk;
use crate::column::{hexed, signed, to_json, unsigned, word};
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{proofs, reservations};

const NOUN: &str = "batch";
const ADD: &str = "record a batch";

pub(crate) async fn add(
    store: &SqliteStore,
    batch: &BatchRecord,
    members: &[BatchMember],
) -> Result<(), StoreError> {
    let refused = |flaw: Flaw| flaw.refused(NOUN, batch.id);
    check::batch(batch).map_err(refused)?;
    let tree = check::tree(batch, members).await.map_err(refused)?;
    let mut transaction = store.begin_many(ADD, members.len()).await?;
    // SQLite works on a thread of its own: what it is given is checked meanwhile, and committed only if it is sound.
    let recorded = record(&mut transaction, batch, &tree, members);
    let (sound, recorded) = future::join(sound(batch, &tree, members), recorded).await;
    sound.map_err(refused)?;
    match recorded? {
        Recorded::Before => Ok(()),
        Recorded::Now => store.commit_many(transaction, ADD, members.len()).await,
    }
}

/// Every member is the attestation at its place.
async fn sound(batch: &BatchRecord, tree: &BatchTree, members: &[BatchMember]) -> Result<(), Flaw> {
    let placed: Vec<_> = (0..).zip(members).collect();
    let checked = spread::beside(&placed, |&(place, member)| {
        check::member(batch, tree, place, &member.attestation)
    });
    checked.await.into_iter().collect()
}

enum Recorded {
    Before,
    Now,
}

async fn record(
    connection: &mut SqliteConnection,
    batch: &BatchRecord,
    tree: &BatchTree,
    members: &[BatchMember],
) -> Result<Recorded, StoreError> {
    match find(connection, batch.id, ADD).await? {
        Some(stored) if stored == *batch => return Ok(Recorded::Before),
        Some(_) => {
            return Err(StoreError::Conflict {
                noun: NOUN,
                key: batch.id.to_string(),
                reason: "the same is stored with other signatures or another time".to_owned(),
            });
        }
        None => {}
    }
    let number = insert(connection, batch).await?;
    proofs::insert(connection, number, tree, ADD).await?;
    insert_attestations(connection, number, batch, tree, members).await?;
    mark_claims(connection, number).await?;
    let deliveries = members
        .iter()
        .filter_map(|member| Some(cells(&member.attestation, member.delivery.as_ref()?)));
    let deliveries = deliveries.collect::<Result<Vec<_>, _>>()?;
    insert_deliveries(connection, &deliveries).await?;
    Ok(Recorded::Now)
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

struct DeliveryCells<'a> {
    attestation: &'a AttestationRecord,
    chain: i64,
    call: &'a NewDelivery,
    not_before: i64,
}

fn cells<'a>(
    attestation: &'a AttestationRecord,
    call: &'a NewDelivery,
) -> Result<DeliveryCells<'a>, StoreError> {
    Ok(DeliveryCells {
        attestation,
        chain: signed("delivery", attestation.id, call.chain_id)?,
        call,
        not_before: call.not_before.unwrap_or(attestation.attested_at).0,
    })
}

async fn insert(
    connection: &mut SqliteConnection,
    record: &BatchRecord,
) -> Result<i64, StoreError> {
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
    .map_err(failed(ADD))
    .map(|inserted| inserted.last_insert_rowid())
}

/// The id says which statement it is, for it commits to the domain and to the key as to everything else: only the index of the
/// ids is read, and not the statements.
static ATTESTATIONS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::given(
        "id, policy, ordinal, risk, batch, place, leaf, attested_at",
        ") INSERT INTO attestations (statement, claim, batch, place, leaf, attested_at)
         SELECT s.position, c.number, given.batch, given.place, given.leaf, given.attested_at
         FROM given
         CROSS JOIN statements AS s ON s.attestation_id = given.id
         CROSS JOIN claims AS c ON c.policy = given.policy AND c.ordinal = given.ordinal AND c.risk = given.risk
         WHERE c.eligible = 1
         ON CONFLICT (statement) DO NOTHING",
    )
});

/// All of them, or the reason why not.
async fn insert_attestations(
    connection: &mut SqliteConnection,
    number: i64,
    batch: &BatchRecord,
    tree: &BatchTree,
    members: &[BatchMember],
) -> Result<(), StoreError> {
    let rows = (0..).zip(members).map(|(place, member)| {
        let attestation = &member.attestation;
        let leaf = usize::try_from(place)
            .ok()
            .and_then(|place| tree.leaf_of(place));
        let leaf = leaf
            .and_then(|leaf| i64::try_from(leaf).ok())
            .ok_or_else(|| {
                Flaw(format!("its tree has no leaf for attestation {place}"))
                    .refused(NOUN, batch.id)
            })?;
        Ok((place, leaf, attestation))
    });
    let rows: Vec<(i64, i64, &AttestationRecord)> = rows.collect::<Result<_, StoreError>>()?;
    let attested_at = batch.attested_at.0;
    let inserted = ATTESTATIONS.insert(connection, &rows, ADD, |statement, (place, leaf, row)| {
        statement
            .bind(row.id.0.as_slice())
            .bind(row.policy.0.as_slice())
            .bind(row.ordinal)
            .bind(row.risk.0.as_slice())
            .bind(number)
            .bind(place)
            .bind(leaf)
            .bind(attested_at)
    });
    if usize::try_from(inserted.await?) == Ok(members.len()) {
        return Ok(());
    }
    Err(why_not(connection, number, members).await?)
}

/// What is wrong with one of them: each must be of an eligible claim, be what was reserved, and not be stored yet.
async fn why_not(
    connection: &mut SqliteConnection,
    number: i64,
    members: &[BatchMember],
) -> Result<StoreError, StoreError> {
    let rows: Vec<_> = members
        .iter()
        .map(|BatchMember { attestation, .. }| {
            (
                hexed(attestation.id.0),
                hexed(attestation.domain_separator),
                hexed(attestation.claim_key.0),
                hexed(attestation.policy.0),
                attestation.ordinal,
                hexed(attestation.risk.0),
            )
        })
        .collect();
    let rows = to_json(NOUN, number, &rows)?;
    let wrong = sqlx::query!(
        r#"SELECT wanted.value ->> 0 AS "id!: String", wanted.value ->> 2 AS "key!: String",
                  wanted.value ->> 4 AS "ordinal!: i64", wanted.value ->> 3 AS "policy!: String",
                  s.attestation_id IS NOT NULL AS "journaled!: bool", c.eligible AS "eligible?: bool",
                  (SELECT r.attestation_id FROM statements AS r
                   WHERE r.domain_separator = unhex(wanted.value ->> 1) AND r.claim_key = unhex(wanted.value ->> 2)
                   ORDER BY r.position DESC LIMIT 1) AS "newest?"
           FROM json_each(?1) AS wanted
           LEFT JOIN statements AS s ON s.attestation_id = unhex(wanted.value ->> 0)
                AND s.domain_separator = unhex(wanted.value ->> 1) AND s.claim_key = unhex(wanted.value ->> 2)
           LEFT JOIN claims AS c ON c.policy = unhex(wanted.value ->> 3)
                AND c.ordinal = wanted.value ->> 4 AND c.risk = unhex(wanted.value ->> 5)
           LEFT JOIN attestations AS a ON a.statement = s.position
           WHERE s.attestation_id IS NULL OR c.eligible IS NOT 1 OR a.batch IS NOT ?2
           LIMIT 1"#,
        rows,
        number
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    let Some(wrong) = wrong else {
        let flaw = Flaw(
            "some of its attestations are not stored, and nothing is wrong with them".to_owned(),
        );
        return Err(flaw.refused(NOUN, number));
    };
    let (id, key) = (format!("0x{}", wrong.id), format!("0x{}", wrong.key));
    Ok(match (wrong.journaled, wrong.eligible) {
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

/// In the order of the claims' rows.
async fn mark_claims(connection: &mut SqliteConnection, number: i64) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE claims SET attested = 1 WHERE number IN (SELECT claim FROM attestations WHERE batch = ?1)",
        number
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    Ok(())
}

static DELIVERIES: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "attestation, claim_key, chain_id, consumer, calldata, state, not_before";
    Bulk::insert_into("deliveries", columns, "")
});

async fn insert_deliveries(
    connection: &mut SqliteConnection,
    deliveries: &[DeliveryCells<'_>],
) -> Result<(), StoreError> {
    let inserted = DELIVERIES.insert(connection, deliveries, ADD, |statement, row| {
        statement
            .bind(row.attestation.id.0.as_slice())
            .bind(row.attestation.claim_key.0.as_slice())
            .bind(row.chain)
            .bind(row.call.consumer.as_slice())
            .bind(row.call.calldata.as_slice())
            .bind("queued")
            .bind(row.not_before)
    });
    inserted.await.map(|_rows| ())
}
