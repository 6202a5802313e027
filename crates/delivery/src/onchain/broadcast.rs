//! Handing signed bytes to the node, and reading its answer.
//!
//! JSON-RPC has no codes for these answers, so the words of the common nodes are matched. What no list knows is a
//! refusal that says the node's words; it never counts as accepted.

use alloy::primitives::{B256, Bytes};
use alloy::providers::Provider;
use futures_util::future::join_all;
use tocsin_domain::time::Timestamp;

use super::connect::{Submitter, no_endpoints};
use super::node::Node;
use super::rpc::RpcFailure;
use super::view::Pushed;
use crate::DeliveryError;

const BROADCASTING: &str = "broadcasting a transaction";

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

/// A refusal, as far as its words tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    Says(Broadcast),
    InsufficientFunds,
    Other,
}

/// What nodes say, lower case; the first phrase that is found counts.
const PHRASES: [(&str, Refusal); 23] = [
    ("already known", Refusal::Says(Broadcast::AlreadyKnown)),
    ("alreadyknown", Refusal::Says(Broadcast::AlreadyKnown)),
    ("known transaction", Refusal::Says(Broadcast::AlreadyKnown)),
    ("already imported", Refusal::Says(Broadcast::AlreadyKnown)),
    (
        "existing tx with same hash",
        Refusal::Says(Broadcast::AlreadyKnown),
    ),
    ("nonce too low", Refusal::Says(Broadcast::NonceUsed)),
    ("nonce is too low", Refusal::Says(Broadcast::NonceUsed)),
    ("oldnonce", Refusal::Says(Broadcast::NonceUsed)),
    ("underpriced", Refusal::Says(Broadcast::Underpriced)),
    (
        "less than block base fee",
        Refusal::Says(Broadcast::Underpriced),
    ),
    (
        "replacementnotallowed",
        Refusal::Says(Broadcast::Underpriced),
    ),
    ("feetoolow", Refusal::Says(Broadcast::Underpriced)),
    ("fee too low", Refusal::Says(Broadcast::Underpriced)),
    (
        "could not replace existing tx",
        Refusal::Says(Broadcast::Underpriced),
    ),
    (
        "to replace existing transaction",
        Refusal::Says(Broadcast::Underpriced),
    ),
    (
        "below configured minimum gas price",
        Refusal::Says(Broadcast::Underpriced),
    ),
    (
        "gas price supplied is too low",
        Refusal::Says(Broadcast::Underpriced),
    ),
    ("below chain minimum", Refusal::Says(Broadcast::Underpriced)),
    ("insufficient funds", Refusal::InsufficientFunds),
    ("insufficientfunds", Refusal::InsufficientFunds),
    ("insufficient balance", Refusal::InsufficientFunds),
    ("exceeds account balance", Refusal::InsufficientFunds),
    (
        "sender doesn't have enough funds",
        Refusal::InsufficientFunds,
    ),
];

impl Refusal {
    fn read(message: &str) -> Self {
        let words = message.to_lowercase();
        let known = PHRASES.iter().find(|(phrase, _)| words.contains(phrase));
        known.map_or(Self::Other, |(_, refusal)| *refusal)
    }
}

impl Submitter {
    /// Hands the stored bytes of the attempt `hash` to every endpoint at once: one that loses transactions does not lose
    /// this one. The answer is the best of theirs. `latest_block` is the one that the decision saw.
    ///
    /// # Errors
    /// Where no endpoint says anything about the transaction: [`DeliveryError::InsufficientFunds`] and
    /// [`DeliveryError::Refused`] when one does not want it, [`DeliveryError::Rpc`] when none answers, in which case they
    /// may have it or not.
    pub async fn broadcast(
        &self,
        hash: B256,
        raw: &Bytes,
        latest_block: u64,
        now: Timestamp,
    ) -> Result<Broadcast, DeliveryError> {
        let answers = join_all(self.nodes().iter().map(|node| node.push(hash, raw))).await;
        let outcome = best(answers).unwrap_or_else(|| Err(no_endpoints()));
        self.pushes()
            .record(hash, outcome.as_ref().ok().copied(), latest_block, now);
        outcome
    }
}

impl Node {
    async fn push(&self, hash: B256, raw: &Bytes) -> Result<Broadcast, DeliveryError> {
        match self.provider().send_raw_transaction(raw).await {
            Ok(pending) if *pending.tx_hash() == hash => Ok(Broadcast::Accepted),
            Ok(pending) => Err(self.malformed(
                BROADCASTING,
                format!("it took transaction {}, not {hash}", pending.tx_hash()),
            )),
            Err(error) => self.read_refusal(hash, RpcFailure::from(error)),
        }
    }

    fn read_refusal(&self, hash: B256, failure: RpcFailure) -> Result<Broadcast, DeliveryError> {
        let RpcFailure::Answered { message, .. } = &failure else {
            return Err(self.rpc_error(BROADCASTING, failure));
        };
        let message = message.clone();
        match Refusal::read(&message) {
            Refusal::Says(outcome) => Ok(outcome),
            Refusal::InsufficientFunds => Err(DeliveryError::InsufficientFunds {
                sender: self.sender(),
                chain_id: self.settings().chain_id,
                message,
            }),
            Refusal::Other => Err(DeliveryError::Refused { hash, message }),
        }
    }
}

/// The answer that says most: a pool that has the transaction, then a reason that it is in none, then a trouble.
fn best(
    answers: Vec<Result<Broadcast, DeliveryError>>,
) -> Option<Result<Broadcast, DeliveryError>> {
    answers.into_iter().min_by_key(|answer| match answer {
        Ok(Broadcast::Accepted) => 0,
        Ok(Broadcast::AlreadyKnown) => 1,
        Ok(Broadcast::NonceUsed) => 2,
        Ok(Broadcast::Underpriced) => 3,
        Err(DeliveryError::Rpc { .. }) => 5,
        Err(_says_something) => 4,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_common_nodes_are_understood() {
        use Broadcast::{AlreadyKnown, NonceUsed, Underpriced};
        for (message, expected) in [
            ("already known", Refusal::Says(AlreadyKnown)),
            ("AlreadyKnown", Refusal::Says(AlreadyKnown)),
            ("Known transaction", Refusal::Says(AlreadyKnown)),
            ("transaction already imported", Refusal::Says(AlreadyKnown)),
            (
                "nonce too low: next nonce 5, tx nonce 4",
                Refusal::Says(NonceUsed),
            ),
            (
                "OldNonce, Current nonce: 5, nonce of rejected tx: 4",
                Refusal::Says(NonceUsed),
            ),
            (
                "replacement transaction underpriced",
                Refusal::Says(Underpriced),
            ),
            (
                "transaction underpriced: gas tip cap 1, minimum needed 1000000",
                Refusal::Says(Underpriced),
            ),
            (
                "max fee per gas less than block base fee",
                Refusal::Says(Underpriced),
            ),
            ("FeeTooLowToCompete", Refusal::Says(Underpriced)),
            (
                "insufficient funds for gas * price + value: balance 0",
                Refusal::InsufficientFunds,
            ),
            (
                "Upfront cost exceeds account balance",
                Refusal::InsufficientFunds,
            ),
            ("intrinsic gas too low", Refusal::Other),
            ("txpool is full", Refusal::Other),
            ("exceeded project rate limit", Refusal::Other),
        ] {
            assert_eq!(Refusal::read(message), expected, "{message}");
        }
    }
}
