//! What a state source needs to be told.

use core::num::NonZeroU64;

use alloy::primitives::{Address, I256};
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Value;

/// Which part of the chain's state is read, when, and how it becomes observations.
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// What the source is, as covers name it: `call:…`, `storage:…` or `chainlink:…`.
    pub source: SourceId,
    /// What is measured.
    pub subject: Subject,
    /// Which property of it.
    pub metric: Metric,
    /// At which blocks it is read.
    pub schedule: Schedule,
    /// Blocks before this one are not read.
    pub from_block: u64,
    /// What is read there.
    pub reading: Reading,
}

/// The blocks at which a source is read: the same ones for everybody who reads the chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Schedule {
    /// Blocks whose number is a multiple of this.
    pub every_blocks: Option<NonZeroU64>,
    /// Blocks in which one of these events occurs.
    pub events: Vec<WakingEvent>,
}

/// An event that makes a source read the block in which it occurs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WakingEvent {
    /// The contract that emits it.
    pub contract: Address,
    /// As Solidity declares it: `Withdraw(address indexed owner, uint256 assets)`.
    pub event: String,
}

/// What is read.
#[derive(Clone, Debug)]
pub enum Reading {
    /// What a function returns.
    Call(CallSettings),
    /// A word of a contract's storage, proven from the block's state root.
    Storage(StorageSettings),
    /// The latest round of a Chainlink feed.
    Feed(FeedSettings),
}

/// A function, and which of its values is the observation's.
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// The contract that is called.
    pub address: Address,
    /// The function as Solidity declares it: `convertToAssets(uint256 shares) view returns (uint256 assets)`. One that is
    /// declared `view` or `pure` may be asked together with others; any other is asked alone, because what it does
    /// would be seen by those after it.
    pub function: String,
    /// Literals, one for each argument: `1000000`, `0x…`, `[1, 2]`, `(0x…, true)`.
    pub arguments: Vec<String>,
    /// Where in what it returns the value is: `assets`, `0`, `position.legs[1].amount`, `holders.length`. Where there is one
    /// value only it may be empty, or begin inside that one: `[1].amount`. An integer, `bool`, `string`, address or
    /// `bytesN`; the last two become text.
    pub value: String,
    /// An integer value counts units of 10^-`decimals`; at most 77, and 0 for anything else.
    pub decimals: u8,
    /// What it says that the function reverts.
    pub on_revert: OnRevert,
    /// Who calls. `None` is whoever happens to: the zero address, or Multicall3. Name it where the function asks.
    pub from: Option<Address>,
}

/// What a reverted call says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OnRevert {
    /// That there is no value.
    NoValue,
    /// This value, which has the type of the others.
    Value(Value),
    /// False; a call that goes through says true. Nothing that it returns is the value.
    Success,
}

/// A field of a word of storage.
#[derive(Clone, Debug)]
pub struct StorageSettings {
    /// The contract.
    pub address: Address,
    /// A number, or `mapping(slot,key)`, with several keys for mappings of mappings, and `+n` behind it for the n-th word
    /// of a struct. Keys are integers, addresses, 32 bytes of hex, `true`, `false`, or text in quotes.
    pub slot: String,
    /// The field's lowest bit: Solidity fills a word from bit 0.
    pub bit_offset: u16,
    /// The field's width in bits.
    pub bits: u16,
    /// What the bits are.
    pub field: StorageField,
    /// An integer value counts units of 10^-`decimals`; at most 77, and 0 for anything else.
    pub decimals: u8,
}

/// What the bits of a field of storage are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StorageField {
    /// An unsigned integer.
    Unsigned,
    /// A signed integer, in two's complement of the field's width.
    Signed,
    /// 0 or 1, in 8 bits.
    Bool,
    /// 160 bits; text, in lower case.
    Address,
}

/// A Chainlink feed, read by `latestRoundData()` of its proxy.
///
/// A round is observed once, in the first block at which the feed is read and has it. At a block where it says the same as
/// at the block at which it was read before, it says nothing new.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The proxy.
    pub proxy: Address,
    /// An answer counts units of 10^-`decimals`.
    pub decimals: u8,
    /// A round that is older than this at the time of the block has no value any more.
    pub heartbeat: Seconds,
    /// Which answers are the feed's limits, and say only that the price is beyond.
    pub limits: AnswerLimits,
    /// On a rollup, the feed that says whether its sequencer is up.
    pub sequencer: Option<SequencerSettings>,
}

/// `minAnswer` and `maxAnswer` of an aggregator, in units of the answer. An aggregator that is cut off there reports the limit
/// for as long as the price is beyond.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AnswerLimits {
    /// An answer at or below it has no value.
    pub min: Option<I256>,
    /// An answer at or above it has no value.
    pub max: Option<I256>,
}

/// Chainlink's uptime feed of a rollup's sequencer: answer 0 is up, 1 is down, `startedAt` is since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SequencerSettings {
    /// The uptime feed's proxy.
    pub address: Address,
    /// Prices have no value until the sequencer has been up for longer than this.
    pub grace: Seconds,
}

/// A Chainlink feed, read by the `AnswerUpdated` events of its aggregators.
#[derive(Clone, Debug)]
pub struct RoundsSettings {
    /// What the source is: `chainlink:<CAIP-10 of the proxy>`.
    pub source: SourceId,
    /// What is measured.
    pub subject: Subject,
    /// Which property of it.
    pub metric: Metric,
    /// An answer counts units of 10^-`decimals`.
    pub decimals: u8,
    /// The aggregators behind the proxy, in the order of their phases.
    pub aggregators: Vec<PhaseSettings>,
    /// Which answers are the feed's limits.
    pub limits: AnswerLimits,
}

/// An aggregator, for as long as the proxy points to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PhaseSettings {
    /// The proxy's number for it (`phaseId()`); a round's sequence is phase · 2⁶⁴ + the aggregator's round.
    pub phase: u16,
    /// The contract that emits the events.
    pub aggregator: Address,
    /// The block from which its rounds are the feed's, and those of the phase before are not.
    pub from_block: u64,
}
