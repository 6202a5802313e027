//! The outbox: what has to reach the world, and how far it has come.
//!
//! A delivery is queued with its attestation, takes a nonce, collects attempts (raw transactions of that one nonce,
//! stored before they are broadcast), and ends. A transaction that was mined and did not consume the claim gives its
//! nonce up and goes back to the queue. What every mined transaction cost is written down before its nonce is let go.

use alloy_primitives::{Address, B256, U256};
use async_trait::async_trait;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::answer::Written;

/// A delivery to be queued: the consumer contract that has to be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDelivery {
    /// The settlement chain.
    pub chain_id: u64,
    /// The contract to call.
    pub consumer: Address,
    /// The call's data.
    pub calldata: Vec<u8>,
    /// Not to be touched before this instant; `None`: at once. Of several nodes that may all deliver the same, each
    /// begins later than the one before, and who finds the claim consumed is done.
    pub not_before: Option<Timestamp>,
}

/// A delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// What is delivered; an attestation is for one consumer, so it has one delivery at most.
    pub attestation: AttestationId,
    /// The consumption key that tells when it is done.
    pub claim_key: ClaimKey,
    /// The settlement chain.
    pub chain_id: u64,
    /// The contract to call.
    pub consumer: Address,
    /// The call's data.
    pub calldata: Vec<u8>,
    /// How far it has come.
    pub state: DeliveryState,
    /// Not to be touched before this instant: that of the attestation at first, or the one that it was queued for; later
    /// that of a back-off.
    pub not_before: Timestamp,
    /// What went wrong last, for people.
    pub last_error: Option<String>,
    /// How often it has been put back.
    pub failures: u32,
    /// A newer attestation of the same claim has taken its place: it takes no new nonce.
    pub superseded: bool,
}

/// How far a delivery has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeliveryState {
    /// Waiting for a nonce.
    Queued,
    /// Holds a nonce of `sender`; its attempts all use it.
    Sending {
        /// Who sends.
        sender: Address,
        /// The transaction nonce.
        nonce: u64,
        /// Oldest first; empty only between the nonce and the first signature.
        attempts: Vec<Attempt>,
    },
    /// The claim is consumed, in a final block.
    Done {
        /// The transaction that consumed it (it may be somebody else's).
        transaction: B256,
        /// Its block.
        block: u64,
    },
    /// Given up; a person has to look.
    Failed,
    /// A newer attestation of the same claim is delivered instead.
    Superseded,
}

/// One signed transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Its hash.
    pub hash: B256,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// Fee cap per gas, wei.
    pub max_fee_per_gas: u128,
    /// Tip cap per gas, wei.
    pub max_priority_fee_per_gas: u128,
    /// Gas limit.
    pub gas_limit: u64,
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// What a mined transaction cost, as of a final block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charge {
    /// Its block.
    pub block: u64,
    /// It did not revert.
    pub succeeded: bool,
    /// The gas that it used.
    pub gas_used: u64,
    /// What each unit of gas cost in the end, wei.
    pub gas_price: u128,
}

impl Charge {
    /// What was paid, wei.
    pub fn wei(&self) -> U256 {
        U256::from(self.gas_used).saturating_mul(U256::from(self.gas_price))
    }
}

/// A transaction that was paid for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charged {
    /// Its hash.
    pub hash: B256,
    /// Who paid.
    pub sender: Address,
    /// Its nonce.
    pub nonce: u64,
    /// How much.
    pub charge: Charge,
}

/// The outbox.
///
/// A move that the delivery's state does not allow is [`StoreError::Refused`], one of a delivery that is not stored
/// [`StoreError::Missing`].
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Unfinished deliveries on a chain that are not backing off at `now`: those that hold a nonce first, by nonce, then
    /// the queue in order. One that is queued waits while another delivery of its claim holds a nonce.
    async fn unfinished(
        &self,
        chain_id: u64,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// One delivery.
    async fn delivery(&self, attestation: AttestationId) -> Result<Option<Delivery>, StoreError>;

    /// Gives a queued delivery the next nonce of `sender`: the greater of the stored next one and `chain_nonce` (the
    /// count of mined and pending transactions that the chain reports). Returns it. A delivery that holds one of `sender`
    /// keeps it; one that holds another sender's is refused.
    async fn take_nonce(
        &self,
        attestation: AttestationId,
        sender: Address,
        chain_nonce: u64,
    ) -> Result<u64, StoreError>;

    /// Stores a signed transaction of the nonce that the delivery holds, before it is broadcast. The same again is no error;
    /// a transaction is of one nonce of one delivery, anything else is a [`StoreError::Conflict`].
    async fn add_attempt(
        &self,
        attestation: AttestationId,
        attempt: &Attempt,
    ) -> Result<(), StoreError>;

    /// Puts a delivery back until `not_before`. With `release_nonce` it gives its nonce up, because a transaction of that
    /// nonce was mined, finally, and consumed nothing; without, it keeps what it has. It keeps its place in the queue, but
    /// one that is superseded and holds no nonce any more has ended.
    async fn put_back(
        &self,
        attestation: AttestationId,
        error: &str,
        not_before: Timestamp,
        release_nonce: bool,
    ) -> Result<(), StoreError>;

    /// The claim was consumed in a final block: from whatever state, since the chain has the last word. The same again is
    /// no error, another transaction or block a [`StoreError::Conflict`].
    async fn finish(
        &self,
        attestation: AttestationId,
        transaction: B256,
        block: u64,
    ) -> Result<(), StoreError>;

    /// Gives a delivery up that is queued or being sent; a nonce that it holds is not given to another one.
    async fn give_up(&self, attestation: AttestationId, error: &str) -> Result<(), StoreError>;

    /// Queues a delivery again that was given up, and says so in the log; one that is under way goes on as it does. Either
    /// way the answer is kept: all or none. Refused where the delivery has ended otherwise, or a newer attestation of its claim
    /// has taken its place; an answer whose key is taken is a [`StoreError::Conflict`].
    async fn resume(&self, attestation: AttestationId, written: &Written)
    -> Result<(), StoreError>;

    /// Writes down what a mined transaction of a delivery cost, and says whether that is new. The same again is no error,
    /// another amount a [`StoreError::Conflict`]. [`StoreError::Missing`] for a transaction that is not the delivery's.
    async fn charge(
        &self,
        attestation: AttestationId,
        hash: B256,
        charge: &Charge,
    ) -> Result<bool, StoreError>;

    /// What was paid for a delivery, in the order in which its transactions were signed.
    async fn charges(&self, attestation: AttestationId) -> Result<Vec<Charged>, StoreError>;
}
