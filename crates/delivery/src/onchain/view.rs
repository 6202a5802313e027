//! What a decision looks at: a delivery as it is stored, and the chain as it was read.

use alloy::primitives::{Address, B256, Bytes};
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::time::Timestamp;

use super::broadcast::Broadcast;
use super::fees::{Fees, Market};
use super::revert::Revert;

/// An unfinished delivery as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveryView {
    /// What is delivered.
    pub attestation: AttestationId,
    /// The consumption key that tells when it is done.
    pub claim_key: ClaimKey,
    /// The contract to call.
    pub consumer: Address,
    /// The call's data.
    pub calldata: Bytes,
    /// How often it has been put back; spaces the tries out.
    pub failures: u32,
    /// The nonce it holds; `None` while it waits in the queue.
    pub held: Option<HeldNonce>,
}

/// A nonce that a delivery holds, with every transaction that was ever signed with it for this delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldNonce {
    /// The account that sends.
    pub sender: Address,
    /// The transaction nonce.
    pub nonce: u64,
    /// Oldest first.
    pub attempts: Vec<AttemptView>,
}

/// A signed transaction; see [`AttemptView::decode`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptView {
    /// Its hash.
    pub hash: B256,
    /// Its bytes.
    pub raw: Bytes,
    /// What it offers.
    pub fees: Fees,
    /// The most gas that it may use.
    pub gas_limit: u64,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The delivery's call.
    Claim,
    /// To present the claim to a cover that pays it after a veto only.
    Present,
    /// Nothing but to use its nonce: a transfer of zero to the sender itself, so that later nonces are not held up by a
    /// call that would revert.
    Void,
}

/// The chain, as far as one delivery is concerned. All of it was read successfully; what could not be read is an error
/// and gives no view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainView {
    /// Number of the latest block.
    pub latest_block: u64,
    /// Whether the claim has been consumed.
    pub consumption: Consumption,
    /// The sender's count of transactions, mined and pending: where a new nonce may start.
    pub pending_nonce: u64,
    /// The count as of the latest block.
    pub latest_nonce: u64,
    /// The count as of the final block.
    pub final_nonce: u64,
    /// What became of the held nonce's attempts, in their order.
    pub fates: Vec<Fate>,
    /// The transaction that has used the held nonce in a final block, where it is seen to be none of the attempts.
    pub stranger: Option<B256>,
    /// What this process knows of handing the newest attempt to the node; `None` after a restart.
    pub pushed: Option<Pushed>,
    /// What a transaction signed now would meet; `None` when the held nonce is already used, so that none will be signed.
    pub prospect: Option<Prospect>,
    /// The account that this process can sign for.
    pub signer: Address,
}

/// Whether the verifier has accepted the claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consumption {
    /// Neither as of the final block nor as of the latest.
    None,
    /// As of the latest block, which may yet be replaced.
    Recent,
    /// As of the final block: it will stay so.
    Final {
        /// The transaction that did it; it may be somebody else's.
        transaction: B256,
        /// Its block.
        block: u64,
    },
}

/// What became of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The node does not know it: never broadcast, dropped, or replaced.
    Unknown,
    /// It waits in the node's pool.
    Pooled,
    /// It is in a block of the canonical chain.
    Mined {
        /// The block.
        block: u64,
        /// It did not revert.
        success: bool,
        /// The block is final.
        is_final: bool,
        /// What its sender paid for it.
        cost: Cost,
    },
}

/// What a mined transaction cost its sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The gas that it used.
    pub gas_used: u64,
    /// What each unit of it cost in the end, wei.
    pub gas_price: u128,
}

/// The tries of this process to hand an attempt to the node. They are deliberately not stored: a new process starts
/// by broadcasting again, whatever its predecessor achieved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// The first try.
    pub first_at: Timestamp,
    /// The latest block at the first try.
    pub first_block: u64,
    /// The last try.
    pub last_at: Timestamp,
    /// What came of the last try; `None` if it failed without an answer that says anything about the transaction.
    pub last: Option<Broadcast>,
}

/// What a transaction that is signed now would meet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prospect {
    /// The gas limit that the call needs, margin included; or why it would revert.
    pub call: Result<u64, Revert>,
    /// What the call is for: where the contract wants the claim presented first, that.
    pub purpose: Purpose,
    /// The gas limit that a [`Purpose::Void`] needs, margin included.
    pub void_gas_limit: u64,
    /// The fees of the moment.
    pub market: Market,
}
