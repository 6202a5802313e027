//! What can be done next about a delivery, and what it may have to wait for.

use std::fmt;

use alloy::primitives::{Address, B256};
use tocsin_domain::time::Timestamp;

use super::fees::Fees;
use super::view::Purpose;

/// What to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Take a nonce of the submitter from the store, no lower than `chain_nonce`, and look again.
    TakeNonce {
        /// The chain's count of mined and pending transactions.
        chain_nonce: u64,
    },
    /// Sign, store the bytes, broadcast them, and look again.
    Sign(Order),
    /// Broadcast a stored attempt, and look again.
    Broadcast {
        /// Which.
        hash: B256,
    },
    /// Nothing, for now.
    Wait {
        /// When looking again makes sense.
        until: Timestamp,
        /// For what.
        waiting: Waiting,
    },
    /// It is done: the claim is consumed in a final block.
    Finish {
        /// By this transaction; it may be somebody else's.
        transaction: B256,
        /// In this block.
        block: u64,
    },
    /// Back to the queue, or into the queue's back-off.
    PutBack {
        /// Why, for people.
        reason: String,
        /// Not to be tried again before.
        not_before: Timestamp,
        /// Whether it held a nonce, which is now free to be forgotten.
        release_nonce: bool,
    },
    /// It can never succeed. A person has to look.
    GiveUp {
        /// Why, for people.
        reason: String,
    },
}

/// A transaction to sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// What it is for.
    pub purpose: Purpose,
    /// The held nonce.
    pub nonce: u64,
    /// What it offers.
    pub fees: Fees,
    /// Its gas limit.
    pub gas_limit: u64,
}

/// What a delivery waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiting {
    /// The claim is consumed, in a block that is not final yet.
    ConsumptionFinal,
    /// Its nonce is used, in a block that is not final yet.
    NonceFinal {
        /// The nonce.
        nonce: u64,
    },
    /// Its nonce is finally used, and it is not known by which transaction: what that cost is not in the books yet.
    Receipt {
        /// The nonce.
        nonce: u64,
    },
    /// Its transaction is in the pool.
    Inclusion {
        /// The transaction.
        hash: B256,
    },
    /// Its transaction waits for one with a lower nonce.
    EarlierNonce {
        /// The next nonce that the chain takes.
        next: u64,
        /// The nonce it holds.
        held: u64,
    },
    /// Its transaction is not in the pool and will be broadcast again.
    Rebroadcast {
        /// The transaction.
        hash: B256,
    },
    /// A higher offer is needed than the operator allows.
    FeeCap {
        /// The cap, wei per gas.
        cap: u128,
        /// The base fee or gas price of the moment, wei per gas.
        base_fee: u128,
    },
    /// It has ended, by what one endpoint says, and too few others show the same.
    Agreement {
        /// How many endpoints show it.
        agreed: usize,
        /// How many have to.
        needed: usize,
    },
    /// Its nonce belongs to an account whose key is no longer configured.
    OtherSigner {
        /// Whose nonce it is.
        holder: Address,
        /// The nonce.
        nonce: u64,
    },
}

impl Waiting {
    /// Whether it may last until a person does something, or the world changes: what is waited for is not simply the next
    /// blocks. An earlier nonce comes by itself where another delivery holds it, which is not known here.
    pub fn may_last(&self) -> bool {
        match self {
            Self::FeeCap { .. }
            | Self::Agreement { .. }
            | Self::OtherSigner { .. }
            | Self::Receipt { .. }
            | Self::EarlierNonce { .. } => true,
            Self::ConsumptionFinal
            | Self::NonceFinal { .. }
            | Self::Inclusion { .. }
            | Self::Rebroadcast { .. } => false,
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsumptionFinal => {
                f.write_str("the claim is consumed; waiting for that block to be final")
            }
            Self::NonceFinal { nonce } => {
                write!(
                    f,
                    "nonce {nonce} is used; waiting for that block to be final"
                )
            }
            Self::Receipt { nonce } => write!(
                f,
                "nonce {nonce} is finally used, and no endpoint shows by which transaction: add an endpoint that has the \
                 receipts"
            ),
            Self::Inclusion { hash } => write!(f, "transaction {hash} is in the pool"),
            Self::EarlierNonce { next, held } => write!(
                f,
                "holds nonce {held}, but the account's next one is {next}: if no delivery holds that one, send any \
                 transaction with it from the submitter's account"
            ),
            Self::Rebroadcast { hash } => {
                write!(
                    f,
                    "transaction {hash} is not in the node's pool; it will be broadcast again"
                )
            }
            // What the chain asks for changes with every block.
            Self::FeeCap { cap, .. } => write!(
                f,
                "the chain asks for more than the fee cap of {cap} wei per gas: raise the cap, or wait for the chain to \
                 get cheaper"
            ),
            Self::Agreement { agreed, needed } => write!(
                f,
                "it has ended, as {agreed} of the endpoints say, and {needed} have to show the same final blocks: see \
                 whether the others answer and keep up"
            ),
            Self::OtherSigner { holder, nonce } => write!(
                f,
                "nonce {nonce} belongs to {holder}, whose key is no longer configured: its transactions are watched \
                 and broadcast again, but cannot be replaced; configure that key again if they are stuck"
            ),
        }
    }
}
