//! Handing signed bytes to the node, and reading its answer.
//!
//! JSON-RPC has no codes for these answers, so the words of the common nodes are matched. What no list knows is a
//! refusal that says the node's words; it never counts as accepted.

use alloy::primitives::{B256, Bytes};
use alloy::providers::Provider;
use tocsin_domain::time::Timestamp;

use super::connect::Submitter;
use super::rpc::RpcFailure;
use super::view::Pushed;
use crate::DeliveryError;

/// What a node said to a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broadcast {
    /// It is in the node's pool now.
    Accepted,
    /// It already was.
    AlreadyKnown,
    /// A transaction with this nonce is mined: look for receipts of every attempt.
    NonceUsed,
    /// It offers too little: to be included at all, or to replace the one in the pool.
    Underpriced,
}

const ALREADY_KNOWN: [&str; 5] = [
    "already known",
    "alreadyknown",
    "known transaction",
    "already imported",
    "existing tx with same hash",
];
const NONCE_USED: [&str; 4] = [
    "nonce too low",
    "nonce is too low",
    "oldnonce",
    "nonce has already been used",
];
const UNDERPRICED: [&str; 8] = [
    "underpriced",
    "replacementnotallowed",
    "feetoolow",
    "could not replace existing tx",
    "less than block base fee",
    "fee cap less than block base fee",
    "gas price supplied is too low",
    "gas price too low",
];
const INSUFFICIENT_FUNDS: [&str; 4] = [
    "insufficient funds",
    "insufficientfunds",
    "insufficient balance",
    "exceeds account balance",
];

impl Submitter {
    /// Hands the stored bytes of the attempt `hash` to the node. `latest_block` is the one that the decision saw.
    ///
    /// # Errors
    /// [`DeliveryError::InsufficientFunds`] and [`DeliveryError::Refused`] when the node does not want it,
    /// [`DeliveryError::Rpc`] when it did not answer, in which case it may have it or not.
    pub async fn broadcast(
        &self,
        hash: B256,
        raw: &Bytes,
        latest_block: u64,
        now: Timestamp,
    ) -> Result<Broadcast, DeliveryError> {
        let sent = self.provider().send_raw_transaction(raw).await;
        let outcome = match sent {
            Ok(_pending) => Ok(Broadcast::Accepted),
            Err(error) => self.read_refusal(hash, self.failure(error)),
        };
        self.pushes()
            .record(hash, outcome.as_ref().ok().copied(), latest_block, now);
        outcome
    }

    fn read_refusal(&self, hash: B256, failure: RpcFailure) -> Result<Broadcast, DeliveryError> {
        let RpcFailure::Answered { message, .. } = &failure else {
            return Err(self.rpc_error("broadcasting a transaction", failure));
        };
        let words = message.to_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
        if says(&ALREADY_KNOWN) {
            Ok(Broadcast::AlreadyKnown)
        } else if says(&NONCE_USED) {
            Ok(Broadcast::NonceUsed)
        } else if says(&UNDERPRICED) {
            Ok(Broadcast::Underpriced)
        } else if says(&INSUFFICIENT_FUNDS) {
            Err(DeliveryError::InsufficientFunds {
                sender: self.sender(),
                chain_id: self.settings().chain_id,
                message: message.clone(),
            })
        } else {
            Err(DeliveryError::Refused {
                hash,
                message: message.clone(),
            })
        }
    }
}

/// What this process has handed to the node, by hash. Bounded by the attempts in flight: they are forgotten when their
/// nonce is finally used.
#[derive(Debug, Default)]
pub(super) struct Pushes(std::sync::Mutex<std::collections::BTreeMap<B256, Pushed>>);

impl Pushes {
    pub(super) fn of(&self, hash: B256) -> Option<Pushed> {
        self.lock().get(&hash).copied()
    }

    pub(super) fn forget(&self, hash: B256) {
        self.lock().remove(&hash);
    }

    fn record(&self, hash: B256, outcome: Option<Broadcast>, latest_block: u64, now: Timestamp) {
        let mut pushes = self.lock();
        let entry = pushes.entry(hash).or_insert(Pushed {
            first_at: now,
            first_block: latest_block,
            last_at: now,
            last: outcome,
        });
        entry.last_at = now;
        entry.last = outcome;
    }

    /// The lock guards single map operations only, so a panic elsewhere leaves nothing half-done.
    fn lock(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<B256, Pushed>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
