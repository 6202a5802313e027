//! The outbox: every move of a delivery is one transaction.

mod charges;
pub(crate) mod listed;
mod rows;

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::AttestationId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::answer::Written;
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::check::Flaw;
use tocsin_store::delivery::{
    Attempt, Charge, Charged, Deliveries, Delivery, DeliveryState, NewDelivery,
};

use crate::answers;
use crate::column::{signed, unsigned};
use crate::error::failed;
use crate::log;
use crate::store::SqliteStore;

pub(crate) const NOUN: &str = "delivery";

#[async_trait]
impl Deliveries for SqliteStore {
    async fn unfinished(
        &self,
        chain_id: u64,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut connection = self.snapshot("look for unfinished deliveries").await?;
        rows::unfinished(
            &mut connection,
            signed("chain", chain_id, chain_id)?,
            now,
            limit,
        )
        .await
    }

    async fn delivery(&self, attestation: AttestationId) -> Result<Option<Delivery>, StoreError> {
        let mut connection = self.snapshot("read a delivery").await?;
        rows::find(&mut connection, attestation, "read a delivery").await
    }

    async fn take_nonce(
        &self,
        attestation: AttestationId,
        sender: Address,
        chain_nonce: u64,
    ) -> Result<u64, StoreError> {
        let attempt = "take a nonce";
        let mut transaction = self.begin(attempt).await?;
        let delivery = stored(&mut transaction, attestation, attempt).await?;
        match &delivery.state {
            DeliveryState::Queued => {}
            DeliveryState::Sending {
                sender: holder,
                nonce,
                ..
            } if *holder == sender => {
                return Ok(*nonce);
            }
            DeliveryState::Sending { sender: holder, .. } => {
                let flaw = Flaw(format!(
                    "it is being sent by {holder}, so {sender} cannot send it"
                ));
                return Err(flaw.refused(NOUN, attestation));
            }
            DeliveryState::Done { .. } | DeliveryState::Failed | DeliveryState::Superseded => {
                return Err(illegal(&delivery, "takes no nonce"));
            }
        }
        let nonce = next_nonce(&mut transaction, &delivery, sender, chain_nonce, attempt).await?;
        let (id, sender) = (attestation.0.as_slice(), sender.as_slice());
        sqlx::query!(
            "UPDATE deliveries SET state = 'sending', sender = ?2, nonce = ?3 WHERE attestation = ?1",
            id,
            sender,
            nonce
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))?;
        unsigned("nonce", nonce).map_err(|flaw| flaw.invalid_row(NOUN, attestation))
    }

    async fn add_attempt(
        &self,
        attestation: AttestationId,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        let add = "store a signed transaction";
        let mut transaction = self.begin(add).await?;
        let delivery = stored(&mut transaction, attestation, add).await?;
        let DeliveryState::Sending {
            sender,
            nonce,
            attempts,
        } = &delivery.state
        else {
            return Err(illegal(&delivery, "holds no nonce to sign for"));
        };
        if attempts.contains(attempt) {
            return Ok(());
        }
        if rows::is_signed(&mut transaction, attempt.hash, add).await? {
            return Err(StoreError::Conflict {
                noun: "transaction",
                key: attempt.hash.to_string(),
                reason: "it is another delivery's, of another nonce, or has other content"
                    .to_owned(),
            });
        }
        rows::insert_attempt(&mut transaction, attestation, *sender, *nonce, attempt, add).await?;
        transaction.commit().await.map_err(failed(add))
    }

    async fn put_back(
        &self,
        attestation: AttestationId,
        error: &str,
        not_before: Timestamp,
        release_nonce: bool,
    ) -> Result<(), StoreError> {
        let attempt = "put a delivery back";
        let mut transaction = self.begin(attempt).await?;
        let delivery = stored(&mut transaction, attestation, attempt).await?;
        match (&delivery.state, release_nonce) {
            (DeliveryState::Queued, false) | (DeliveryState::Sending { .. }, _) => {}
            (DeliveryState::Queued, true) => {
                return Err(illegal(&delivery, "holds no nonce to give up"));
            }
            (DeliveryState::Done { .. } | DeliveryState::Failed | DeliveryState::Superseded, _) => {
                return Err(illegal(&delivery, "cannot be put back"));
            }
        }
        let id = attestation.0.as_slice();
        let error = printable(error);
        sqlx::query!(
            "UPDATE deliveries
             SET not_before = ?2, last_error = ?3, failures = min(failures + 1, 4294967295),
                 state = iif(?4, iif(superseded, 'superseded', 'queued'), state), sender = iif(?4, NULL, sender), nonce = iif(?4, NULL, nonce)
             WHERE attestation = ?1",
            id,
            not_before.0,
            error,
            release_nonce
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn finish(
        &self,
        attestation: AttestationId,
        transaction: B256,
        block: u64,
    ) -> Result<(), StoreError> {
        let attempt = "finish a delivery";
        let mut write = self.begin(attempt).await?;
        let delivery = stored(&mut write, attestation, attempt).await?;
        if let DeliveryState::Done {
            transaction: known,
            block: at,
        } = &delivery.state
        {
            return if (*known, *at) == (transaction, block) {
                Ok(())
            } else {
                Err(StoreError::Conflict {
                    noun: NOUN,
                    key: attestation.to_string(),
                    reason: format!("its claim was consumed by transaction {known} in block {at}"),
                })
            };
        }
        let (id, hash) = (attestation.0.as_slice(), transaction.as_slice());
        let block = signed(NOUN, attestation, block)?;
        sqlx::query!(
            "UPDATE deliveries SET state = 'done', sender = NULL, nonce = NULL, done_hash = ?2, done_block = ?3
             WHERE attestation = ?1",
            id,
            hash,
            block
        )
        .execute(&mut *write)
        .await
        .map_err(failed(attempt))?;
        // Whatever is said of the claim, it is not said anew.
        sqlx::query!(
            "UPDATE claims SET redeemed = 1
             WHERE number = (SELECT a.claim FROM statements AS s JOIN attestations AS a ON a.statement = s.position
                             WHERE s.attestation_id = ?1)",
            id
        )
        .execute(&mut *write)
        .await
        .map_err(failed(attempt))?;
        write.commit().await.map_err(failed(attempt))
    }

    async fn give_up(&self, attestation: AttestationId, error: &str) -> Result<(), StoreError> {
        let attempt = "give a delivery up";
        let mut transaction = self.begin(attempt).await?;
        let delivery = stored(&mut transaction, attestation, attempt).await?;
        match &delivery.state {
            DeliveryState::Queued | DeliveryState::Sending { .. } => {}
            DeliveryState::Done { .. } | DeliveryState::Failed | DeliveryState::Superseded => {
                return Err(illegal(&delivery, "cannot be given up"));
            }
        }
        let id = attestation.0.as_slice();
        let error = printable(error);
        sqlx::query!(
            "UPDATE deliveries SET state = 'failed', sender = NULL, nonce = NULL, last_error = ?2 WHERE attestation = ?1",
            id,
            error
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn resume(
        &self,
        attestation: AttestationId,
        written: &Written,
    ) -> Result<(), StoreError> {
        let attempt = "queue a delivery again";
        let mut transaction = self.begin(attempt).await?;
        let delivery = stored(&mut transaction, attestation, attempt).await?;
        match &delivery.state {
            DeliveryState::Queued | DeliveryState::Sending { .. } => {}
            DeliveryState::Failed if !delivery.superseded => {
                let id = attestation.0.as_slice();
                sqlx::query!(
                    "UPDATE deliveries SET state = 'queued' WHERE attestation = ?1",
                    id
                )
                .execute(&mut *transaction)
                .await
                .map_err(failed(attempt))?;
                log::queue(&mut transaction, &written.audit, attempt).await?;
            }
            DeliveryState::Failed => {
                let flaw = Flaw("a newer attestation of its claim is delivered instead".to_owned());
                return Err(flaw.refused(NOUN, attestation));
            }
            DeliveryState::Done { .. } | DeliveryState::Superseded => {
                return Err(illegal(&delivery, "is not queued again"));
            }
        }
        answers::add(&mut transaction, &written.answer, attempt).await?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn charge(
        &self,
        attestation: AttestationId,
        hash: B256,
        charge: &Charge,
    ) -> Result<bool, StoreError> {
        let attempt = "write down what a transaction cost";
        let mut transaction = self.begin(attempt).await?;
        let new = charges::write(&mut transaction, attestation, hash, charge, attempt).await?;
        transaction.commit().await.map_err(failed(attempt))?;
        Ok(new)
    }

    async fn charges(&self, attestation: AttestationId) -> Result<Vec<Charged>, StoreError> {
        let attempt = "read what a delivery cost";
        let mut connection = self.snapshot(attempt).await?;
        charges::of(&mut connection, attestation, attempt).await
    }
}

/// A newer attestation of the same claim takes the place of this one: one that is queued has ended, one that holds a nonce
/// ends when that is used. What has ended stays as it is, and so does an attestation that nobody delivers.
pub(crate) async fn supersede(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
) -> Result<(), StoreError> {
    let attempt = "supersede a delivery";
    let id = attestation.0.as_slice();
    sqlx::query!(
        "UPDATE deliveries SET superseded = 1, state = iif(state = 'queued', 'superseded', state)
         WHERE attestation = ?1 AND state IN ('queued', 'sending')",
        id
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}

/// Queues the deliveries of a new attestation.
pub(crate) async fn queue(
    connection: &mut SqliteConnection,
    attestation: &AttestationRecord,
    deliveries: &[NewDelivery],
) -> Result<(), StoreError> {
    let attempt = "queue a delivery";
    if deliveries.len() > 1 {
        let flaw = Flaw("an attestation is for one consumer, so it has one delivery".to_owned());
        return Err(flaw.refused(NOUN, attestation.id));
    }
    for NewDelivery {
        chain_id,
        consumer,
        calldata,
        not_before,
    } in deliveries
    {
        let (id, claim_key) = (
            attestation.id.0.as_slice(),
            attestation.claim_key.0.as_slice(),
        );
        let chain_id = signed(NOUN, attestation.id, *chain_id)?;
        let consumer = consumer.as_slice();
        let not_before = not_before.unwrap_or(attestation.attested_at).0;
        sqlx::query!(
            "INSERT INTO deliveries (attestation, claim_key, chain_id, consumer, calldata, state, not_before)
             VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6)",
            id,
            claim_key,
            chain_id,
            consumer,
            calldata,
            not_before
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(attempt))?;
    }
    Ok(())
}

async fn stored(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
    attempt: &'static str,
) -> Result<Delivery, StoreError> {
    rows::find(connection, attestation, attempt)
        .await?
        .ok_or_else(|| StoreError::Missing {
            noun: NOUN,
            key: attestation.to_string(),
        })
}

fn illegal(delivery: &Delivery, what: &str) -> StoreError {
    let state = match delivery.state {
        DeliveryState::Queued => "queued",
        DeliveryState::Sending { .. } => "being sent",
        DeliveryState::Done { .. } => "done",
        DeliveryState::Failed => "given up",
        DeliveryState::Superseded => "superseded",
    };
    Flaw(format!("it is {state} and {what}")).refused(NOUN, delivery.attestation)
}

/// The text of an error comes from anywhere; a database ends a text at its first NUL.
fn printable(error: &str) -> String {
    error.replace('\0', "\u{fffd}")
}

/// The next nonce of `sender`; the one after it is remembered.
async fn next_nonce(
    connection: &mut SqliteConnection,
    delivery: &Delivery,
    sender: Address,
    chain_nonce: u64,
    attempt: &'static str,
) -> Result<i64, StoreError> {
    let key = delivery.attestation;
    let chain_id = signed(NOUN, key, delivery.chain_id)?;
    // The one after it must fit, too.
    let chain_nonce = signed(NOUN, key, chain_nonce.saturating_add(1))? - 1;
    let sender = sender.as_slice();
    let next = sqlx::query_scalar!(
        r#"INSERT INTO sender_nonces (chain_id, sender, next) VALUES (?1, ?2, ?3 + 1)
           ON CONFLICT (chain_id, sender) DO UPDATE SET next = max(next, ?3) + 1
           RETURNING next AS "next!: i64""#,
        chain_id,
        sender,
        chain_nonce
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(next - 1)
}
