//! What mined transactions cost.

use alloy_primitives::B256;
use sqlx::SqliteConnection;
use tocsin_domain::ids::AttestationId;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::delivery::{Charge, Charged};

use crate::column::{address, hexed, present, signed, unsigned, wei, word};
use crate::error::failed;

const NOUN: &str = "transaction";

struct ChargeRow {
    hash: Vec<u8>,
    sender: Vec<u8>,
    nonce: i64,
    mined_block: Option<i64>,
    succeeded: Option<bool>,
    gas_used: Option<i64>,
    gas_price: Option<Vec<u8>>,
}

impl ChargeRow {
    fn try_decode(self) -> Result<Charged, Flaw> {
        Ok(Charged {
            hash: word("hash", &self.hash)?,
            sender: address("sender", &self.sender)?,
            nonce: unsigned("nonce", self.nonce)?,
            charge: Charge {
                block: unsigned("mined_block", present("mined_block", self.mined_block)?)?,
                succeeded: present("succeeded", self.succeeded)?,
                gas_used: unsigned("gas_used", present("gas_used", self.gas_used)?)?,
                gas_price: wei("gas_price", &present("gas_price", self.gas_price)?)?,
            },
        })
    }
}

impl TryFrom<ChargeRow> for Charged {
    type Error = StoreError;

    fn try_from(row: ChargeRow) -> Result<Self, StoreError> {
        let key = format!("0x{}", hexed(&row.hash));
        row.try_decode().map_err(|flaw| flaw.invalid_row(NOUN, key))
    }
}

/// Writes a charge down; whether it is new.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
    hash: B256,
    charge: &Charge,
    doing: &'static str,
) -> Result<bool, StoreError> {
    if let Some(known) = find(connection, attestation, hash, doing).await? {
        return match known {
            Some(known) if known == *charge => Ok(false),
            Some(known) => Err(StoreError::Conflict {
                noun: NOUN,
                key: hash.to_string(),
                reason: format!("what it cost is written down already: {known:?}"),
            }),
            None => insert(connection, hash, charge, doing).await,
        };
    }
    Err(StoreError::Missing {
        noun: "transaction of the delivery",
        key: hash.to_string(),
    })
}

async fn insert(
    connection: &mut SqliteConnection,
    hash: B256,
    charge: &Charge,
    doing: &'static str,
) -> Result<bool, StoreError> {
    let block = signed(NOUN, hash, charge.block)?;
    let gas_used = signed(NOUN, hash, charge.gas_used)?;
    let gas_price = &charge.gas_price.to_be_bytes()[..];
    let hash = hash.as_slice();
    sqlx::query!(
        "UPDATE delivery_attempts SET mined_block = ?2, succeeded = ?3, gas_used = ?4, gas_price = ?5 WHERE hash = ?1",
        hash,
        block,
        charge.succeeded,
        gas_used,
        gas_price
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(doing))?;
    Ok(true)
}

/// `None` where the transaction is not the delivery's; inside, what is written down of it.
async fn find(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
    hash: B256,
    doing: &'static str,
) -> Result<Option<Option<Charge>>, StoreError> {
    let (id, hash) = (attestation.0.as_slice(), hash.as_slice());
    let row = sqlx::query_as!(
        ChargeRow,
        r#"SELECT hash AS "hash!", sender AS "sender!", nonce AS "nonce!", mined_block AS "mined_block?",
                  succeeded AS "succeeded?: bool", gas_used AS "gas_used?", gas_price AS "gas_price?"
           FROM delivery_attempts WHERE hash = ?2 AND attestation = ?1"#,
        id,
        hash
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(doing))?;
    match row {
        None => Ok(None),
        Some(row) if row.mined_block.is_none() => Ok(Some(None)),
        Some(row) => Ok(Some(Some(Charged::try_from(row)?.charge))),
    }
}

/// Those of a delivery, in the order in which they were signed.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
    doing: &'static str,
) -> Result<Vec<Charged>, StoreError> {
    let id = attestation.0.as_slice();
    let rows = sqlx::query_as!(
        ChargeRow,
        r#"SELECT hash AS "hash!", sender AS "sender!", nonce AS "nonce!", mined_block AS "mined_block?",
                  succeeded AS "succeeded?: bool", gas_used AS "gas_used?", gas_price AS "gas_price?"
           FROM delivery_attempts WHERE attestation = ?1 AND mined_block IS NOT NULL ORDER BY number"#,
        id
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(doing))?;
    rows.into_iter().map(Charged::try_from).collect()
}
