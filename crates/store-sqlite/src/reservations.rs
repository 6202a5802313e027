//! Reservations: who asks first, signs; and the statements that follow, which say the same.

use core::fmt::Display;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use alloy_primitives::B256;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved, Verdict};
use tocsin_store::check::{self, Flaw};

use crate::bulk::Bulk;
use crate::column::{hexed, to_json, unsigned, word};
use crate::error::failed;
use crate::halts;
use crate::store::SqliteStore;

const NOUN: &str = "reservation";
const RESERVE: &str = "reserve a claim key";

/// Rows that travel to SQLite in one statement; more would only cost memory.
const ROWS_PER_STATEMENT: usize = 4096;

#[async_trait]
impl Reservations for SqliteStore {
    async fn reserve_all(&self, reservations: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        journal(self, reservations, Wish::Reserve).await
    }

    async fn restate_all(&self, reservations: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        journal(self, reservations, Wish::Restate).await
    }

    async fn statements(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
    ) -> Result<Vec<Reservation>, StoreError> {
        let attempt = "read the statements of a claim key";
        let mut connection = self.snapshot(attempt).await?;
        let (domain, key) = (domain_separator.as_slice(), claim_key.0.as_slice());
        let rows = sqlx::query_as!(
            ReservationRow,
            r#"SELECT domain_separator AS "domain_separator!", claim_key AS "claim_key!", attestation_id AS "attestation_id!",
                      payload AS "payload?"
               FROM statements WHERE claim_key = ?1 AND domain_separator = ?2 ORDER BY rowid"#,
            key,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Reservation::try_from).collect()
    }
}

/// What is wanted of a key that is held.
#[derive(Clone, Copy)]
enum Wish {
    /// The statement that holds it.
    Reserve,
    /// That it takes one more statement.
    Restate,
}

async fn journal(
    store: &SqliteStore,
    reservations: &[Reservation],
    wish: Wish,
) -> Result<Vec<Reserved>, StoreError> {
    let mut policies = Vec::with_capacity(reservations.len());
    for reservation in reservations {
        let policy = check::reservation(reservation)
            .map_err(|flaw| flaw.refused(NOUN, reservation.claim_key))?;
        policies.push(policy);
    }
    // The write lock is held from here on, so nobody else can find a key free.
    let mut transaction = store.begin_many(RESERVE, reservations.len()).await?;
    halts::refuse_policies(&mut transaction, &policies, RESERVE).await?;
    let mut answers = Vec::with_capacity(reservations.len());
    for chunk in reservations.chunks(ROWS_PER_STATEMENT) {
        journal_some(&mut transaction, chunk, wish, &mut answers).await?;
    }
    store
        .commit_many(transaction, RESERVE, reservations.len())
        .await?;
    Ok(answers)
}

async fn journal_some(
    connection: &mut SqliteConnection,
    wanted: &[Reservation],
    wish: Wish,
    answers: &mut Vec<Reserved>,
) -> Result<(), StoreError> {
    let mut held = held(connection, wanted).await?;
    let revoked = revoked(connection, wanted).await?;
    let mut known = match wish {
        Wish::Reserve => BTreeSet::new(),
        Wish::Restate => known(connection, wanted).await?,
    };
    let mut new = Vec::new();
    for reservation in wanted {
        let key = (reservation.domain_separator, reservation.claim_key);
        let min_revision = revoked.get(&key).copied().unwrap_or(0);
        let answer = match (
            Verdict::judge(reservation, held.get(&key), min_revision)?,
            wish,
        ) {
            (Verdict::Journal, _) => Reserved::New,
            (Verdict::Answer(Reserved::Identical(_)), Wish::Restate) => {
                if known.contains(&reservation.attestation_id) {
                    Reserved::Identical(reservation.clone())
                } else {
                    Reserved::New
                }
            }
            (Verdict::Answer(answer), _) => answer,
        };
        if answer == Reserved::New {
            held.insert(key, reservation.clone());
            known.insert(reservation.attestation_id);
            new.push(reservation);
        }
        answers.push(answer);
    }
    insert(connection, &new).await
}

static STATEMENTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "attestation_id, domain_separator, claim_key, payload";
    Bulk::insert_into("statements", columns, "")
});

/// The newest statement of a key holds it.
static RESERVATIONS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "attestation_id, domain_separator, claim_key";
    let held = "ON CONFLICT (domain_separator, claim_key) DO UPDATE SET attestation_id = excluded.attestation_id";
    Bulk::insert_into("reservations", columns, held)
});

/// Adds statements in the order in which they were asked for, so that the last one of a key is its newest.
async fn insert(connection: &mut SqliteConnection, new: &[&Reservation]) -> Result<(), StoreError> {
    STATEMENTS
        .insert(connection, new, RESERVE, |statement, row| {
            statement
                .bind(row.attestation_id.0.as_slice())
                .bind(row.domain_separator.as_slice())
                .bind(row.claim_key.0.as_slice())
                .bind(row.payload.as_slice())
        })
        .await?;
    RESERVATIONS
        .insert(connection, new, RESERVE, |statement, row| {
            statement
                .bind(row.attestation_id.0.as_slice())
                .bind(row.domain_separator.as_slice())
                .bind(row.claim_key.0.as_slice())
        })
        .await?;
    Ok(())
}

/// Who holds the keys already.
async fn held(
    connection: &mut SqliteConnection,
    wanted: &[Reservation],
) -> Result<BTreeMap<(B256, ClaimKey), Reservation>, StoreError> {
    let keys: Vec<(String, String)> = wanted
        .iter()
        .map(|wanted| (hexed(wanted.domain_separator), hexed(wanted.claim_key.0)))
        .collect();
    let keys = to_json(NOUN, "keys", &keys)?;
    let rows = sqlx::query_as!(
        ReservationRow,
        r#"SELECT r.domain_separator AS "domain_separator!", r.claim_key AS "claim_key!", r.attestation_id AS "attestation_id!",
                  s.payload AS "payload?"
           FROM json_each(?1) AS wanted
           JOIN reservations AS r ON r.domain_separator = unhex(wanted.value ->> 0) AND r.claim_key = unhex(wanted.value ->> 1)
           LEFT JOIN statements AS s ON s.attestation_id = r.attestation_id"#,
        keys
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(RESERVE))?;
    let mut held = BTreeMap::new();
    for row in rows {
        let stored = Reservation::try_from(row)?;
        held.insert((stored.domain_separator, stored.claim_key), stored);
    }
    Ok(held)
}

/// The least revision that stands, of the keys that were revoked.
async fn revoked(
    connection: &mut SqliteConnection,
    wanted: &[Reservation],
) -> Result<BTreeMap<(B256, ClaimKey), u32>, StoreError> {
    let keys: Vec<(String, String)> = wanted
        .iter()
        .map(|wanted| (hexed(wanted.domain_separator), hexed(wanted.claim_key.0)))
        .collect();
    let keys = to_json(NOUN, "keys", &keys)?;
    // Few claims are ever revoked: they are looked up among the wanted ones, and not the other way round.
    let rows = sqlx::query!(
        r#"SELECT s.domain_separator AS "domain_separator!", s.claim_key AS "claim_key!", s.min_revision AS "min_revision!"
           FROM standings AS s
           WHERE s.min_revision > 0 AND EXISTS (SELECT 1 FROM json_each(?1) AS wanted
               WHERE unhex(wanted.value ->> 1) = s.claim_key AND unhex(wanted.value ->> 0) = s.domain_separator)"#,
        keys
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(RESERVE))?;
    rows.into_iter()
        .map(|row| {
            let decode = || {
                let domain = word("domain_separator", &row.domain_separator)?;
                let key = ClaimKey(word("claim_key", &row.claim_key)?);
                Ok(((domain, key), unsigned("min_revision", row.min_revision)?))
            };
            decode().map_err(|flaw: Flaw| {
                flaw.invalid_row("standing of claim", format!("0x{}", hexed(&row.claim_key)))
            })
        })
        .collect()
}

/// Which of the payloads are journaled already.
async fn known(
    connection: &mut SqliteConnection,
    wanted: &[Reservation],
) -> Result<BTreeSet<AttestationId>, StoreError> {
    let ids: Vec<String> = wanted
        .iter()
        .map(|wanted| hexed(wanted.attestation_id.0))
        .collect();
    let ids = to_json(NOUN, "ids", &ids)?;
    let rows = sqlx::query_scalar!(
        r#"SELECT s.attestation_id AS "attestation_id!" FROM json_each(?1) AS wanted
           JOIN statements AS s ON s.attestation_id = unhex(wanted.value)"#,
        ids
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(RESERVE))?;
    rows.iter()
        .map(|id| {
            let id = word("attestation_id", id);
            id.map(AttestationId)
                .map_err(|flaw: Flaw| flaw.invalid_row("statement", "?"))
        })
        .collect()
}

struct ReservationRow {
    domain_separator: Vec<u8>,
    claim_key: Vec<u8>,
    attestation_id: Vec<u8>,
    payload: Option<Vec<u8>>,
}

impl TryFrom<ReservationRow> for Reservation {
    type Error = StoreError;

    fn try_from(row: ReservationRow) -> Result<Self, StoreError> {
        let decode = || {
            let payload = row.payload;
            let reservation = Self {
                domain_separator: word("domain_separator", &row.domain_separator)?,
                claim_key: ClaimKey(word("claim_key", &row.claim_key)?),
                attestation_id: AttestationId(word("attestation_id", &row.attestation_id)?),
                payload: payload.ok_or_else(|| Flaw("its statement is missing".to_owned()))?,
            };
            check::reservation(&reservation)?;
            Ok(reservation)
        };
        decode()
            .map_err(|flaw: Flaw| flaw.invalid_row(NOUN, format!("0x{}", hexed(&row.claim_key))))
    }
}

/// That this payload may be signed. [`StoreError::Missing`] where its key is free, [`StoreError::Conflict`] where it is
/// held by others.
pub(crate) async fn check_journaled(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    claim_key: ClaimKey,
    wanted: AttestationId,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let id = wanted.0.as_slice();
    let (domain, key) = (domain_separator.as_slice(), claim_key.0.as_slice());
    let found = sqlx::query!(
        r#"SELECT EXISTS (SELECT 1 FROM statements WHERE attestation_id = ?1 AND domain_separator = ?2 AND claim_key = ?3)
                      AS "journaled!: bool",
                  (SELECT attestation_id FROM reservations WHERE domain_separator = ?2 AND claim_key = ?3) AS newest"#,
        id,
        domain,
        key
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    match (found.journaled, found.newest) {
        (true, _) => Ok(()),
        (false, newest) => Err(not_journaled(claim_key, wanted, newest.as_deref())),
    }
}

/// Why a payload cannot be recorded as signed: its key is free, or held by others.
pub(crate) fn not_journaled(
    claim_key: impl Display,
    id: impl Display,
    newest: Option<&[u8]>,
) -> StoreError {
    let key = claim_key.to_string();
    match newest {
        None => StoreError::Missing { noun: NOUN, key },
        Some(newest) => StoreError::Conflict {
            noun: NOUN,
            key,
            reason: format!("it is of payload 0x{}, not of {id}", hexed(newest)),
        },
    }
}
