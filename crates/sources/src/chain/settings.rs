//! What a chain reader needs to be told.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::BTreeMap;

use alloy::primitives::Address;
use tocsin_domain::cover::Finality;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use url::Url;

use super::Endpoint;

/// How one chain is reached and read.
#[derive(Clone)]
pub struct ChainSettings {
    /// EIP-155 chain id; the node must serve it.
    pub chain_id: u64,
    /// The JSON-RPC endpoint, over HTTP; its path and query may be secret.
    pub url: Url,
    /// When a block counts as final. `confirmations` needs an endpoint that is one node.
    pub finality: Finality,
    /// Whether every block is later than its parent. Then the watermark is the block's time, else one second less.
    pub strictly_rising_timestamps: bool,
    /// No answer to a request within this time is a failure.
    pub request_timeout: Duration,
    /// At most this many blocks are read at once.
    pub max_blocks_per_batch: NonZeroU32,
}

/// Which event is read, and how its fields become observations.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// What the source is, as covers name it.
    pub source: SourceId,
    /// The contract that emits the event.
    pub address: Address,
    /// The event as Solidity declares it, every field named:
    /// `AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)`.
    pub event: String,
    /// What is measured.
    pub subject: Subject,
    /// Which property of it.
    pub metric: Metric,
    /// The field that carries the value: an integer, `bool` or `string`. Without one, the event counts by being there: an
    /// observation without value, which is all that an input of an event needs.
    pub value: Option<String>,
    /// An integer value counts units of 10^-`decimals`; at most 77, and 0 for everything else.
    pub decimals: u8,
    /// Only logs count whose fields have these values, written as Solidity's literals: `role` is `0x00…00`. A field is an
    /// address, a `bool`, fixed bytes or an integer.
    pub only: BTreeMap<String, String>,
    /// What orders observations of one second.
    pub sequence: SequenceFrom,
    /// When the value was so.
    pub observed_at: TimeFrom,
    /// Blocks before this one are not read.
    pub from_block: u64,
}

/// Where an observation's sequence is taken from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SequenceFrom {
    /// Block number · 2⁶⁴ + log index.
    Block,
    /// An unsigned integer field, such as a round id.
    Field(String),
}

/// Where an observation's time is taken from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimeFrom {
    /// The time of the block.
    Block,
    /// An unsigned integer field of unix seconds. Where it lies outside (watermark of the parent block, time of the block],
    /// the log is an observation without value at the time of the block: an earlier instant is closed already, a later
    /// one is not the chain's to say.
    Field(String),
}

impl fmt::Debug for ChainSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainSettings")
            .field("chain_id", &self.chain_id)
            .field("url", &Endpoint::from(&self.url))
            .field("finality", &self.finality)
            .field(
                "strictly_rising_timestamps",
                &self.strictly_rising_timestamps,
            )
            .field("request_timeout", &self.request_timeout)
            .field("max_blocks_per_batch", &self.max_blocks_per_batch)
            .finish()
    }
}
