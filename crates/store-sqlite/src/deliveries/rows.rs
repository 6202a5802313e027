//! Deliveries and attempts as rows.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use sqlx::SqliteConnection;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::delivery::{Attempt, Delivery, DeliveryState};

use crate::column::{address, hexed, present, signed, to_json, unsigned, wei, word};
use crate::deliveries::NOUN;
use crate::error::failed;

pub(super) struct DeliveryRow {
    pub(super) attestation: Vec<u8>,
    pub(super) claim_key: Vec<u8>,
    pub(super) chain_id: i64,
    pub(super) consumer: Vec<u8>,
    pub(super) calldata: Vec<u8>,
    pub(super) state: String,
    pub(super) sender: Option<Vec<u8>>,
    pub(super) nonce: Option<i64>,
    pub(super) done_hash: Option<Vec<u8>>,
    pub(super) done_block: Option<i64>,
    pub(super) not_before: i64,
    pub(super) last_error: Option<String>,
    pub(super) failures: i64,
    pub(super) superseded: bool,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    /// Without attempts, which are rows of their own.
    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let key = format!("0x{}", hexed(&row.attestation));
        row.try_decode().map_err(|flaw| flaw.invalid_row(NOUN, key))
    }
}

impl DeliveryRow {
    fn try_decode(self) -> Result<Delivery, Flaw> {
        let nonce_held = self.sender.is_some() || self.nonce.is_some();
        let consumed = self.done_hash.is_some() || self.done_block.is_some();
        let state = match (self.state.as_str(), nonce_held, consumed) {
            ("queued", false, false) => DeliveryState::Queued,
            ("failed", false, false) => DeliveryState::Failed,
            ("superseded", false, false) => DeliveryState::Superseded,
            ("sending", true, false) => DeliveryState::Sending {
                sender: address("sender", &present("sender", self.sender)?)?,
                nonce: unsigned("nonce", present("nonce", self.nonce)?)?,
                attempts: Vec::new(),
            },
            ("done", false, true) => DeliveryState::Done {
                transaction: word("done_hash", &present("done_hash", self.done_hash)?)?,
                block: unsigned("done_block", present("done_block", self.done_block)?)?,
            },
            (state, ..) => return Err(Flaw(format!("its columns do not fit its state `{state}`"))),
        };
        Ok(Delivery {
            attestation: AttestationId(word("attestation", &self.attestation)?),
            claim_key: ClaimKey(word("claim_key", &self.claim_key)?),
            chain_id: unsigned("chain_id", self.chain_id)?,
            consumer: address("consumer", &self.consumer)?,
            calldata: self.calldata,
            state,
            not_before: Timestamp(self.not_before),
            last_error: self.last_error,
            failures: unsigned("failures", self.failures)?,
            superseded: self.superseded,
        })
    }
}

struct AttemptRow {
    attestation: Vec<u8>,
    hash: Vec<u8>,
    raw: Vec<u8>,
    max_fee_per_gas: Vec<u8>,
    max_priority_fee_per_gas: Vec<u8>,
    gas_limit: i64,
    signed_at: i64,
}

impl TryFrom<AttemptRow> for (AttestationId, Attempt) {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        let decode = || {
            let attempt = Attempt {
                hash: word("hash", &row.hash)?,
                raw: row.raw,
                max_fee_per_gas: wei("max_fee_per_gas", &row.max_fee_per_gas)?,
                max_priority_fee_per_gas: wei(
                    "max_priority_fee_per_gas",
                    &row.max_priority_fee_per_gas,
                )?,
                gas_limit: unsigned("gas_limit", row.gas_limit)?,
                signed_at: Timestamp(row.signed_at),
            };
            Ok((
                AttestationId(word("attestation", &row.attestation)?),
                attempt,
            ))
        };
        decode().map_err(|flaw: Flaw| {
            flaw.invalid_row("transaction", format!("0x{}", hexed(&row.hash)))
        })
    }
}

/// One delivery with its attempts.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
    attempt: &'static str,
) -> Result<Option<Delivery>, StoreError> {
    let id = attestation.0.as_slice();
    let row = sqlx::query_as!(
        DeliveryRow,
        r#"SELECT attestation AS "attestation!", claim_key AS "claim_key!", chain_id AS "chain_id!", consumer AS "consumer!",
                  calldata AS "calldata!", state AS "state!", sender AS "sender?", nonce AS "nonce?",
                  done_hash AS "done_hash?", done_block AS "done_block?", not_before AS "not_before!",
                  last_error AS "last_error?", failures AS "failures!", superseded AS "superseded!: bool"
           FROM deliveries WHERE attestation = ?1"#,
        id
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let mut found = row.map(Delivery::try_from).transpose()?;
    add_attempts(connection, found.as_mut_slice(), attempt).await?;
    Ok(found)
}

/// Those that hold a nonce, by nonce, then the queue in order.
pub(super) async fn unfinished(
    connection: &mut SqliteConnection,
    chain_id: i64,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let attempt = "look for unfinished deliveries";
    let mut rows = sqlx::query_as!(
        DeliveryRow,
        r#"SELECT attestation AS "attestation!", claim_key AS "claim_key!", chain_id AS "chain_id!", consumer AS "consumer!",
                  calldata AS "calldata!", state AS "state!", sender AS "sender?", nonce AS "nonce?",
                  done_hash AS "done_hash?", done_block AS "done_block?", not_before AS "not_before!",
                  last_error AS "last_error?", failures AS "failures!", superseded AS "superseded!: bool"
           FROM deliveries WHERE chain_id = ?1 AND state = 'sending' AND not_before <= ?3
           ORDER BY nonce, sender LIMIT ?2"#,
        chain_id,
        limit,
        now.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let room = i64::from(limit).saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    let queued = sqlx::query_as!(
        DeliveryRow,
        r#"SELECT attestation AS "attestation!", claim_key AS "claim_key!", chain_id AS "chain_id!", consumer AS "consumer!",
                  calldata AS "calldata!", state AS "state!", sender AS "sender?", nonce AS "nonce?",
                  done_hash AS "done_hash?", done_block AS "done_block?", not_before AS "not_before!",
                  last_error AS "last_error?", failures AS "failures!", superseded AS "superseded!: bool"
           FROM deliveries AS queued WHERE chain_id = ?1 AND state = 'queued' AND not_before <= ?3
             AND NOT EXISTS (SELECT 1 FROM deliveries AS sent
                             WHERE sent.state = 'sending' AND sent.claim_key = queued.claim_key
                               AND sent.chain_id = queued.chain_id)
           ORDER BY position LIMIT max(0, ?2)"#,
        chain_id,
        room,
        now.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.extend(queued);
    let mut deliveries: Vec<Delivery> = rows
        .into_iter()
        .map(Delivery::try_from)
        .collect::<Result<_, _>>()?;
    add_attempts(connection, &mut deliveries, attempt).await?;
    Ok(deliveries)
}

/// Adds to each delivery that holds a nonce the transactions of that nonce.
pub(super) async fn add_attempts(
    connection: &mut SqliteConnection,
    deliveries: &mut [Delivery],
    attempt: &'static str,
) -> Result<(), StoreError> {
    let sending: Vec<String> = deliveries
        .iter()
        .filter(|delivery| matches!(delivery.state, DeliveryState::Sending { .. }))
        .map(|delivery| hexed(delivery.attestation.0))
        .collect();
    if sending.is_empty() {
        return Ok(());
    }
    let sending = to_json(NOUN, "keys", &sending)?;
    let rows = sqlx::query_as!(
        AttemptRow,
        r#"SELECT a.attestation AS "attestation!", a.hash AS "hash!", a.raw AS "raw!",
                  a.max_fee_per_gas AS "max_fee_per_gas!", a.max_priority_fee_per_gas AS "max_priority_fee_per_gas!",
                  a.gas_limit AS "gas_limit!", a.signed_at AS "signed_at!"
           FROM json_each(?1) AS wanted
           JOIN deliveries AS d ON d.attestation = unhex(wanted.value)
           JOIN delivery_attempts AS a ON a.attestation = d.attestation AND a.sender = d.sender AND a.nonce = d.nonce
           ORDER BY wanted.key, a.number"#,
        sending
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let mut by_delivery: BTreeMap<AttestationId, Vec<Attempt>> = BTreeMap::new();
    for row in rows {
        let (attestation, attempt) = row.try_into()?;
        by_delivery.entry(attestation).or_default().push(attempt);
    }
    for delivery in deliveries {
        if let DeliveryState::Sending { attempts, .. } = &mut delivery.state {
            *attempts = by_delivery
                .remove(&delivery.attestation)
                .unwrap_or_default();
        }
    }
    Ok(())
}

/// Whether a transaction with this hash was ever stored.
pub(super) async fn is_signed(
    connection: &mut SqliteConnection,
    hash: B256,
    attempt: &'static str,
) -> Result<bool, StoreError> {
    let hash = hash.as_slice();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM delivery_attempts WHERE hash = ?1) AS "signed!: bool""#,
        hash
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(attempt))
}

/// Adds the newest attempt of a nonce.
pub(super) async fn insert_attempt(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
    sender: Address,
    nonce: u64,
    attempt: &Attempt,
    doing: &'static str,
) -> Result<(), StoreError> {
    let nonce = signed(NOUN, attestation, nonce)?;
    let gas_limit = signed("transaction", attempt.hash, attempt.gas_limit)?;
    let (attestation, sender, hash) = (
        attestation.0.as_slice(),
        sender.as_slice(),
        attempt.hash.as_slice(),
    );
    let max_fee = &attempt.max_fee_per_gas.to_be_bytes()[..];
    let max_priority_fee = &attempt.max_priority_fee_per_gas.to_be_bytes()[..];
    sqlx::query!(
        "INSERT INTO delivery_attempts (attestation, number, sender, nonce, hash, raw, max_fee_per_gas,
                                        max_priority_fee_per_gas, gas_limit, signed_at)
         VALUES (?1, (SELECT count(*) + 1 FROM delivery_attempts WHERE attestation = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        attestation,
        sender,
        nonce,
        hash,
        attempt.raw,
        max_fee,
        max_priority_fee,
        gas_limit,
        attempt.signed_at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(doing))?;
    Ok(())
}
