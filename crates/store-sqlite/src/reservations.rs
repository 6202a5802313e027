//! Reservations: who asks first, signs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use alloy_primitives::B256;
use async_trait::async_trait;
use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};
use tocsin_store::check::{self, Flaw};

use crate::column::{hexed, to_json, word};
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
        let mut policies = Vec::with_capacity(reservations.len());
        for reservation in reservations {
            let policy = check::reservation(reservation)
                .map_err(|flaw| flaw.refused(NOUN, reservation.claim_key))?;
            policies.push(policy);
        }
        // The write lock is held from here on, so nobody else can find a key free.
        let mut transaction = self.begin(RESERVE).await?;
        halts::refuse_policies(&mut transaction, &policies, RESERVE).await?;
        let mut answers = Vec::with_capacity(reservations.len());
        for chunk in reservations.chunks(ROWS_PER_STATEMENT) {
            reserve_some(&mut transaction, chunk, &mut answers).await?;
        }
        transaction.commit().await.map_err(failed(RESERVE))?;
        Ok(answers)
    }
}

/// A reservation as it travels to SQLite: domain, key, id, payload.
#[derive(Serialize)]
struct WrittenReservation(String, String, String, String);

async fn reserve_some(
    connection: &mut SqliteConnection,
    wanted: &[Reservation],
    answers: &mut Vec<Reserved>,
) -> Result<(), StoreError> {
    let mut held = held(connection, wanted).await?;
    let mut new = Vec::new();
    for reservation in wanted {
        let key = (reservation.domain_separator, reservation.claim_key);
        match held.entry(key) {
            Entry::Occupied(stored) => {
                answers.push(Reserved::judge(reservation, stored.get().clone())?);
            }
            Entry::Vacant(free) => {
                free.insert(reservation.clone());
                new.push(WrittenReservation(
                    hexed(reservation.domain_separator),
                    hexed(reservation.claim_key.0),
                    hexed(reservation.attestation_id.0),
                    hexed(&reservation.payload),
                ));
                answers.push(Reserved::New);
            }
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let rows = to_json(NOUN, "batch", &new)?;
    sqlx::query!(
        "INSERT INTO reservations (domain_separator, claim_key, attestation_id, payload)
         SELECT unhex(value ->> 0), unhex(value ->> 1), unhex(value ->> 2), unhex(value ->> 3) FROM jsonb_each(?1)",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(RESERVE))?;
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
                  r.payload AS "payload!"
           FROM json_each(?1) AS wanted
           JOIN reservations AS r ON r.domain_separator = unhex(wanted.value ->> 0) AND r.claim_key = unhex(wanted.value ->> 1)"#,
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

struct ReservationRow {
    domain_separator: Vec<u8>,
    claim_key: Vec<u8>,
    attestation_id: Vec<u8>,
    payload: Vec<u8>,
}

impl TryFrom<ReservationRow> for Reservation {
    type Error = StoreError;

    fn try_from(row: ReservationRow) -> Result<Self, StoreError> {
        let decode = || {
            let reservation = Self {
                domain_separator: word("domain_separator", &row.domain_separator)?,
                claim_key: ClaimKey(word("claim_key", &row.claim_key)?),
                attestation_id: AttestationId(word("attestation_id", &row.attestation_id)?),
                payload: row.payload,
            };
            check::reservation(&reservation)?;
            Ok(reservation)
        };
        decode()
            .map_err(|flaw: Flaw| flaw.invalid_row(NOUN, format!("0x{}", hexed(&row.claim_key))))
    }
}

/// Who holds the key.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    claim_key: ClaimKey,
    attempt: &'static str,
) -> Result<Option<Reservation>, StoreError> {
    let (domain, key) = (domain_separator.as_slice(), claim_key.0.as_slice());
    let row = sqlx::query_as!(
        ReservationRow,
        r#"SELECT domain_separator AS "domain_separator!", claim_key AS "claim_key!", attestation_id AS "attestation_id!",
                  payload AS "payload!"
           FROM reservations WHERE domain_separator = ?1 AND claim_key = ?2"#,
        domain,
        key
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    row.map(Reservation::try_from).transpose()
}
