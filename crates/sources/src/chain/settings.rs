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
#[derive(Clone, Debug)]
pub struct ChainSettings {
    /// EIP-155 chain id; every endpoint must serve it.
    pub chain_id: u64,
    /// Where the chain is read. No single one of them is believed where several can be asked.
    pub endpoints: Vec<EndpointSettings>,
    /// How many endpoints must say the same before data counts as final.
    pub agreement: NonZeroU32,
    /// What shows that no log was left out.
    pub proof: LogProof,
    /// When a block counts as final. `confirmations` needs endpoints that are one node each.
    pub finality: Finality,
    /// Whether every block is later than its parent. Then the watermark is the block's time, else one second less.
    pub strictly_rising_timestamps: bool,
    /// No answer to a request within this time is a failure.
    pub request_timeout: Duration,
    /// At most this many blocks are read at once; fewer at first, and where they hold much.
    pub max_blocks_per_batch: NonZeroU32,
    /// A batch ends with the block that brings it to this many logs.
    pub max_logs_per_batch: NonZeroU32,
    /// Where Multicall3 is, for reading state in groups; where it has no code at a block, every call is asked alone.
    pub multicall: Option<Address>,
    /// How long a bad endpoint is left alone the first time; twice as long every further time, up to 64 times as long.
    pub bench: Duration,
    /// How many of its answers must agree with the others' before an endpoint that was left alone counts again.
    pub probation: NonZeroU32,
}

/// One JSON-RPC endpoint.
#[derive(Clone)]
pub struct EndpointSettings {
    /// Over HTTP; its path and query may be secret.
    pub url: Url,
    /// Where it announces new blocks, over WebSocket; as secret.
    pub ws: Option<Url>,
    /// Its share of the reading, against the other endpoints'. One of weight 0 checks the others, and reads only where none
    /// of them can.
    pub weight: u32,
    /// Calls a second, on average over a second; every call of a batched request counts.
    pub requests_per_second: NonZeroU32,
    /// HTTP requests under way at once.
    pub max_in_flight: NonZeroU32,
    /// Calls in one HTTP request; 1 where the provider takes no JSON-RPC batches.
    pub max_calls_per_request: NonZeroU32,
}

/// What shows that a block's logs are all there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogProof {
    /// Its receipts, which hash to the root in its header. Read only where its bloom filter has room for a wanted log.
    Receipts,
    /// Its bloom filter: logs are read with `eth_getLogs` over ranges of blocks, and a block that could have some and gave none
    /// is asked for again, elsewhere or by its receipts. Cheaper, and as good as the endpoints that agree.
    Bloom,
}

impl ChainSettings {
    /// A chain that is read from these endpoints, one of which is enough, with everything else as it is usual.
    pub fn new(chain_id: u64, endpoints: Vec<EndpointSettings>, finality: Finality) -> Self {
        Self {
            chain_id,
            endpoints,
            agreement: NonZeroU32::MIN,
            proof: LogProof::Receipts,
            finality,
            strictly_rising_timestamps: true,
            request_timeout: Duration::from_secs(20),
            max_blocks_per_batch: NonZeroU32::MIN.saturating_add(4_095),
            max_logs_per_batch: NonZeroU32::MIN.saturating_add(19_999),
            multicall: None,
            bench: Duration::from_secs(15),
            probation: NonZeroU32::MIN.saturating_add(4),
        }
    }
}

impl EndpointSettings {
    /// An endpoint with limits that a node of one's own, and most providers, can bear.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            ws: None,
            weight: 1,
            requests_per_second: NonZeroU32::MIN.saturating_add(1_999),
            max_in_flight: NonZeroU32::MIN.saturating_add(7),
            max_calls_per_request: NonZeroU32::MIN.saturating_add(99),
        }
    }
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

impl fmt::Debug for EndpointSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointSettings")
            .field("url", &Endpoint::from(&self.url))
            .field("ws", &self.ws.as_ref().map(Endpoint::from))
            .field("weight", &self.weight)
            .field("requests_per_second", &self.requests_per_second)
            .field("max_in_flight", &self.max_in_flight)
            .field("max_calls_per_request", &self.max_calls_per_request)
            .finish()
    }
}
