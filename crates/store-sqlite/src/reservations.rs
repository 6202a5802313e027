//! Reservations: who asks first, signs; and the statements that follow, which say the same.

use core::fmt::Display;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use alloy_primitives::B256;
use async_trait::async_trait;
use futures_util::future;
use sqlx::SqliteConnection;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved, Verdict};
use tocsin_store::check::{self, Flaw};
use tocsin_store::spread;

use crate::bulk::Bulk;
use crate::column::{hexed, to_json, unsigned, word};
use crate::error::failed;
use crate::halts;
use crate::log;
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
               FROM statements WHERE claim_key = ?1 AND domain_separator = ?2 ORDER BY position"#,
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
    // The write lock is held from here on, so nobody else can find a key free.
    let mut transaction = store.begin_many(RESERVE, reservations.len()).await?;
    log::not_held(&mut transaction, RESERVE).await?;
    // SQLite works on a thread of its own: what it is given is checked meanwhile, and committed only if it is sound.
    let journaled = insert_new(&mut transaction, reservations, wish);
    let (sound, journaled) = future::join(sound(reservations), journaled).await;
    sound?;
    let answers = journaled?;
    store
        .commit_many(transaction, RESERVE, reservations.len())
        .await?;
    Ok(answers)
}

async fn sound(reservations: &[Reservation]) -> Result<(), StoreError> {
    let checked = spread::beside(reservations, |reservation| {
        check::reservation(reservation).map_err(|flaw| flaw.refused(NOUN, reservation.claim_key))
    });
    checked.await.into_iter().collect()
}

async fn insert_new(
    connection: &mut SqliteConnection,
    reservations: &[Reservation],
    wish: Wish,
) -> Result<Vec<Reserved>, StoreError> {
    halts::refuse_policies(connection, RESERVE, || policies(reservations)).await?;
    let stored = stored(connection, reservations, wish).await?;
    let (answers, mut new) = judge(reservations, &stored, wish)?;
    // In the order of an index, which then grows at its end; those of one key stay in the order in which they were asked for,
    // so that the last one is the newest.
    new.sort_by_key(|reservation| reservation.claim_key);
    insert(connection, &new).await?;
    Ok(answers)
}

/// Whose claims they are.
fn policies(reservations: &[Reservation]) -> Result<Vec<PolicyId>, StoreError> {
    let policy = |one: &Reservation| {
        ClaimAttestation::from_bytes(&one.payload)
            .map(|claim| PolicyId(claim.policyId))
            .map_err(|error| Flaw(error.to_string()).refused(NOUN, one.claim_key))
    };
    reservations.iter().map(policy).collect()
}

/// A key in a signing domain.
type Key = (B256, ClaimKey);

/// What is known of the keys before anything is journaled.
#[derive(Default)]
struct Stored {
    held: Vec<Reservation>,
    revoked: BTreeMap<Key, u32>,
    known: BTreeSet<AttestationId>,
}

async fn stored(
    connection: &mut SqliteConnection,
    wanted: &[Reservation],
    wish: Wish,
) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    let mut keys: BTreeMap<B256, Vec<ClaimKey>> = BTreeMap::new();
    for one in wanted {
        let of_domain = keys.entry(one.domain_separator).or_default();
        of_domain.push(one.claim_key);
    }
    for (domain, mut keys) in keys {
        keys.sort_unstable();
        keys.dedup();
        revoked(connection, domain, &mut stored.revoked).await?;
        for chunk in keys.chunks(ROWS_PER_STATEMENT) {
            held(connection, domain, chunk, &mut stored.held).await?;
        }
    }
    if let Wish::Restate = wish {
        for chunk in wanted.chunks(ROWS_PER_STATEMENT) {
            stored.known.extend(known(connection, chunk).await?);
        }
    }
    Ok(stored)
}

/// What becomes of each, in their order, and which are to be journaled.
fn judge<'a>(
    wanted: &'a [Reservation],
    stored: &'a Stored,
    wish: Wish,
) -> Result<(Vec<Reserved>, Vec<&'a Reservation>), StoreError> {
    let key = |one: &Reservation| (one.domain_separator, one.claim_key);
    let held = stored.held.iter().map(|one| (key(one), one));
    let mut held: HashMap<Key, &Reservation> = held.collect();
    let mut added = BTreeSet::new();
    let mut answers = Vec::with_capacity(wanted.len());
    let mut new = Vec::new();
    for reservation in wanted {
        let key = key(reservation);
        let min_revision = stored.revoked.get(&key).copied().unwrap_or(0);
        let newest = held.get(&key).copied();
        let answer = match (Verdict::judge(reservation, newest, min_revision)?, wish) {
            (Verdict::Journal, _) => Reserved::New,
            (Verdict::Answer(Reserved::Identical(_)), Wish::Restate) => {
                let id = reservation.attestation_id;
                if stored.known.contains(&id) || added.contains(&id) {
                    Reserved::Identical(reservation.clone())
                } else {
                    Reserved::New
                }
            }
            (Verdict::Answer(answer), _) => answer,
        };
        if answer == Reserved::New {
            held.insert(key, reservation);
            if let Wish::Restate = wish {
                added.insert(reservation.attestation_id);
            }
            new.push(reservation);
        }
        answers.push(answer);
    }
    Ok((answers, new))
}

static STATEMENTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "attestation_id, domain_separator, claim_key, payload";
    Bulk::insert_into("statements", columns, "")
});

async fn insert(connection: &mut SqliteConnection, new: &[&Reservation]) -> Result<(), StoreError> {
    let inserted = STATEMENTS.insert(connection, new, RESERVE, |statement, row| {
        statement
            .bind(row.attestation_id.0.as_slice())
            .bind(row.domain_separator.as_slice())
            .bind(row.claim_key.0.as_slice())
            .bind(row.payload.as_slice())
    });
    inserted.await.map(|_rows| ())
}

/// Who holds the keys already: the newest statement of each.
async fn held(
    connection: &mut SqliteConnection,
    domain: B256,
    keys: &[ClaimKey],
    held: &mut Vec<Reservation>,
) -> Result<(), StoreError> {
    let keys: Vec<String> = keys.iter().map(|key| hexed(key.0)).collect();
    let keys = to_json(NOUN, "keys", &keys)?;
    let domain = domain.as_slice();
    let rows = sqlx::query_as!(
        ReservationRow,
        r#"SELECT s.domain_separator AS "domain_separator!", s.claim_key AS "claim_key!", s.attestation_id AS "attestation_id!",
                  s.payload AS "payload?"
           FROM json_each(?1) AS wanted
           JOIN statements AS s ON s.position = (
               SELECT max(position) FROM statements AS any WHERE any.claim_key = unhex(wanted.value) AND any.domain_separator = ?2)"#,
        keys,
        domain
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(RESERVE))?;
    for row in rows {
        held.push(Reservation::try_from(row)?);
    }
    Ok(())
}

/// The least revision that stands, of the keys of a domain that were revoked; few ever are.
async fn revoked(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    revoked: &mut BTreeMap<Key, u32>,
) -> Result<(), StoreError> {
    let domain = domain_separator.as_slice();
    // Held ones too, so that the index of what is stopped is of use.
    let rows = sqlx::query!(
        r#"SELECT claim_key AS "claim_key!", min_revision AS "min_revision!"
           FROM standings WHERE domain_separator = ?1 AND (hold IS NOT NULL OR min_revision > 0)"#,
        domain
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(RESERVE))?;
    for row in rows {
        let decode = || {
            let key = ClaimKey(word("claim_key", &row.claim_key)?);
            Ok((key, unsigned("min_revision", row.min_revision)?))
        };
        let (key, min_revision) = decode().map_err(|flaw: Flaw| {
            flaw.invalid_row("standing of claim", format!("0x{}", hexed(&row.claim_key)))
        })?;
        revoked.insert((domain_separator, key), min_revision);
    }
    Ok(())
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
                  (SELECT attestation_id FROM statements WHERE domain_separator = ?2 AND claim_key = ?3
                   ORDER BY position DESC LIMIT 1) AS newest"#,
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
