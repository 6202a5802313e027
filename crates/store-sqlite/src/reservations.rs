//! Reservations: who asks first, signs.

use alloy_primitives::B256;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};
use tocsin_store::check::{self, Flaw};

use crate::column::{hexed, word};
use crate::error::failed;
use crate::halts;
use crate::store::SqliteStore;

const NOUN: &str = "reservation";
const RESERVE: &str = "reserve a claim key";

#[async_trait]
impl Reservations for SqliteStore {
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved, StoreError> {
        let policy = check::reservation(reservation)
            .map_err(|flaw| flaw.refused(NOUN, reservation.claim_key))?;
        // The write lock is held from here on, so nobody else can find the key free.
        let mut transaction = self.begin(RESERVE).await?;
        halts::refuse_policy(&mut transaction, policy, RESERVE).await?;
        let Reservation {
            domain_separator,
            claim_key,
            attestation_id,
            payload,
        } = reservation;
        if let Some(stored) = find(&mut transaction, *domain_separator, *claim_key, RESERVE).await?
        {
            return Reserved::judge(reservation, stored);
        }
        let (domain, key, id) = (
            domain_separator.as_slice(),
            claim_key.0.as_slice(),
            attestation_id.0.as_slice(),
        );
        sqlx::query!(
            "INSERT INTO reservations (domain_separator, claim_key, attestation_id, payload) VALUES (?1, ?2, ?3, ?4)",
            domain,
            key,
            id,
            payload
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(RESERVE))?;
        transaction.commit().await.map_err(failed(RESERVE))?;
        Ok(Reserved::New)
    }
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
