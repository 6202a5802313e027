//! Everything that can go wrong when the world is read, and whether trying again may help.

use std::path::PathBuf;

use alloy::primitives::B256;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;

use crate::chain::Endpoint;
use crate::file::BadRows;

/// A read that failed, or settings that cannot be read with.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The settings of an event source do not fit its event.
    #[error("source {id}: {reason}")]
    Event {
        /// The source, as the settings name it.
        id: SourceId,
        /// Which setting is wrong, why, and what to write.
        reason: String,
    },
    /// The settings of a state source or of a feed do not fit together.
    #[error("source {id}: {reason}")]
    State {
        /// The source, as the settings name it.
        id: SourceId,
        /// Which setting is wrong, why, and what to write.
        reason: String,
    },
    /// No HTTP client could be built for the endpoint.
    #[error("cannot set up an HTTP client for {endpoint}")]
    Client {
        /// The node.
        endpoint: Endpoint,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// There is nothing to read without a source.
    #[error("chain {chain_id} has no event source: configure one, or remove the chain")]
    NoSources {
        /// The configured chain.
        chain_id: u64,
    },
    /// The node serves another chain than configured.
    #[error(
        "{endpoint} serves chain {reported}, the configuration says chain {configured}: \
         correct the chain id, or name an endpoint of chain {configured}"
    )]
    WrongChain {
        /// The node.
        endpoint: Endpoint,
        /// The configured EIP-155 chain id.
        configured: u64,
        /// What `eth_chainId` answered.
        reported: u64,
    },
    /// Nothing is configured to be read from a chain, or nothing of it was asked for.
    #[error("chain {chain} has no source to read: configure one, or remove the chain")]
    NothingWatched {
        /// CAIP-2 chain.
        chain: String,
    },
    /// The node serves another cluster than configured.
    #[error(
        "{endpoint} serves the cluster with the genesis hash {reported}, the configuration says {configured}: correct \
         the chain, or name an endpoint of {configured}"
    )]
    WrongGenesis {
        /// The node.
        endpoint: Endpoint,
        /// The configured CAIP-2 chain.
        configured: String,
        /// What `getGenesisHash` answered.
        reported: String,
    },
    /// The node gave no block for a slot that it or its chain has one for.
    #[error("{attempt} found no block: {why}")]
    MissingSlot {
        /// What was asked.
        attempt: Attempt,
        /// What the node says about it.
        why: NoBlock,
    },
    /// The settings of a chain ask for what its endpoints can never give.
    #[error(
        "chain {chain_id} wants {agreement} endpoints to agree and has {endpoints}: add endpoints, or lower `agreement`"
    )]
    Agreement {
        /// The configured chain.
        chain_id: u64,
        /// How many must agree.
        agreement: u32,
        /// How many there are.
        endpoints: usize,
    },
    /// Too few endpoints can be asked.
    #[error(
        "chain {chain_id} needs {needed} endpoints that can be asked, and has {usable}: {}",
        if troubles.is_empty() { "none of them is in trouble" } else { troubles }
    )]
    TooFewEndpoints {
        /// The configured chain.
        chain_id: u64,
        /// How many must agree.
        needed: u32,
        /// How many can be asked.
        usable: usize,
        /// Which cannot, and why.
        troubles: String,
    },
    /// The endpoints say different things, and no majority is right.
    #[error(
        "the endpoints of chain {chain_id} disagree about {about}, and no majority of them says the same: {votes}; nothing \
         is read until they agree"
    )]
    Disagreement {
        /// The configured chain.
        chain_id: u64,
        /// What they disagree about: `block 17`.
        about: String,
        /// Who says what.
        votes: String,
    },
    /// A request got no usable answer.
    #[error("{attempt} failed")]
    Request {
        /// What was asked.
        attempt: Attempt,
        /// Why there is no answer.
        #[source]
        failure: Box<RequestFailure>,
    },
    /// The node answered that it has no such block.
    #[error(
        "{attempt} found no such block: the node lacks history, is behind, or knows no final block yet"
    )]
    MissingBlock {
        /// What was asked.
        attempt: Attempt,
    },
    /// The answer contradicts itself, the question, or another answer.
    #[error("the answer to {attempt} cannot be trusted")]
    Contradiction {
        /// What was asked.
        attempt: Attempt,
        /// What does not fit.
        #[source]
        contradiction: Box<Contradiction>,
    },
    /// The node's final head is below what was read already. Not a reorganisation: the node is behind, or another one
    /// behind the same address is.
    #[error(
        "{endpoint} is behind: its final head is {}, block {cursor} was read already",
        final_head.map_or_else(|| "no block yet".to_owned(), |number| format!("block {number}"))
    )]
    Lagging {
        /// The node.
        endpoint: Endpoint,
        /// The node's final head, if it knows one.
        final_head: Option<u64>,
        /// The last block that was read.
        cursor: u64,
    },
    /// A block that was final is no longer on the chain. What was attested may rest on an abandoned fork.
    #[error(
        "{endpoint} says that final block {number} is {theirs}, but {ours} was read as final: the chain was reorganised \
         below finality, or the endpoint changed to another chain. Reading stops; compare with an independent node \
         before anything goes on"
    )]
    ForkBelowFinality {
        /// The node.
        endpoint: Endpoint,
        /// The block's number.
        number: u64,
        /// The hash that was read.
        ours: B256,
        /// The hash that the node reports now.
        theirs: B256,
    },
    /// The chain is configured to have strictly rising timestamps, and has not.
    #[error(
        "block {number} of chain {chain_id} has the same time as its parent, {timestamp}: set \
         strictly_rising_timestamps = false for this chain"
    )]
    TimestampsNotRising {
        /// The configured chain.
        chain_id: u64,
        /// The block.
        number: u64,
        /// The time of both.
        timestamp: Timestamp,
    },
    /// A recorded file could not be opened or read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A recorded file's first line is not the header that was expected.
    #[error("{file}:1: {reason}")]
    FileHeader {
        /// The file, as it was named.
        file: String,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// A recorded file is not what its first bytes say.
    #[error(
        "{} cannot be read as {format}: it is damaged, or was cut off before its end; make or fetch it again",
        path.display()
    )]
    FileDamaged {
        /// The file.
        path: PathBuf,
        /// What its first bytes say that it is.
        format: &'static str,
        /// What the decoder says.
        #[source]
        source: Box<dyn core::error::Error + Send + Sync>,
    },
    /// A recorded file is of a kind that is not read.
    #[error("{}: {reason}", path.display())]
    FileFormat {
        /// The file.
        path: PathBuf,
        /// What it is, and what to store instead.
        reason: String,
    },
    /// A recorded file is not the same at the second reading.
    #[error("{} changed while it was read: copy it, or wait until it is complete", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// The sorted parts of unordered files could not be kept.
    #[error(
        "cannot keep sorted rows in the folder for temporary files, {}: free or name a larger one (TMPDIR)",
        folder.display()
    )]
    Spill {
        /// Where they were to be kept.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Rows of recorded files are wrong; every one is listed.
    #[error(transparent)]
    Rows(BadRows),
}

/// Why a node has no block for a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoBlock {
    /// It says that there never was one, or that it jumped over it when it started from a snapshot.
    Skipped,
    /// It does not have it yet.
    NotYet,
    /// It had it, and has removed it.
    Removed,
}

/// What was asked of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The JSON-RPC method.
    pub method: &'static str,
    /// What it was asked about: `block 17`, `the final head`.
    pub about: String,
    /// The node.
    pub endpoint: Endpoint,
}

/// Why a request got no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestFailure {
    /// No answer in time.
    #[error("no complete answer within {limit_ms} ms")]
    Timeout {
        /// The configured limit.
        limit_ms: u128,
    },
    /// The connection could not be made, or broke before the answer was complete.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// The server refused.
    #[error("HTTP status {status}{}", if body.is_empty() { String::new() } else { format!(": {body}") })]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
        /// For how long it wants to be left alone, if it said so.
        retry_after: Option<core::time::Duration>,
    },
    /// Nothing is sent while the endpoint rests, because it asked for that or kept failing.
    #[error("it is left alone for a while, after this: {after}")]
    Resting {
        /// What it said or did last.
        after: String,
    },
    /// The reader is being taken down.
    #[error("the reader is closed")]
    Closed(#[source] tokio::sync::AcquireError),
    /// The server answered with nothing.
    #[error("the answer is empty")]
    Empty,
    /// The answer is longer than anything that is expected.
    #[error("the answer exceeds {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The body is not a JSON-RPC answer.
    #[error("the answer is not JSON-RPC: {body}")]
    Malformed {
        /// The beginning of the body.
        body: String,
        /// Where parsing stopped.
        #[source]
        source: serde_json::Error,
    },
    /// The answer belongs to another request.
    #[error("the answer carries the id of another request")]
    ForeignId,
    /// The node answered with an error.
    #[error("the node says {message:?} (code {code})")]
    Node {
        /// JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The node takes several calls in one request, but not these.
    #[error("the node refuses the batch of calls, {message:?} (code {code})")]
    BatchRefused {
        /// JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The result is not what the method returns.
    #[error("the result has another shape: {result}")]
    Shape {
        /// The beginning of the result.
        result: String,
        /// Where parsing stopped.
        #[source]
        source: serde_json::Error,
    },
    /// The question could not be written as JSON.
    #[error("the request cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
}

/// How an answer contradicts itself, the question, or another answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Contradiction {
    /// A header's fields do not hash to the hash that came with them.
    #[error(
        "the header of block {number} hashes to {computed}, the node says {reported} (or the chain's headers are not \
         Ethereum's, which this version cannot check)"
    )]
    HeaderHash {
        /// The block.
        number: u64,
        /// The hash in the answer.
        reported: B256,
        /// The hash of the answer.
        computed: B256,
    },
    /// Another block than the one asked for.
    #[error("asked for block {asked}, got block {got}")]
    OtherBlock {
        /// The number asked for.
        asked: u64,
        /// The number in the answer.
        got: u64,
    },
    /// A block whose parent is not the block before it, which the same node still has.
    #[error("the parent of block {number} is {parent}, the block before it is {previous}")]
    BrokenLink {
        /// The block.
        number: u64,
        /// Its parent hash.
        parent: B256,
        /// The hash of the block before it.
        previous: B256,
    },
    /// The block at the final head's number is not the final head.
    #[error("block {number} is {got}, the final head at that number is {final_head}")]
    NotTheFinalHead {
        /// The block.
        number: u64,
        /// Its hash by number.
        got: B256,
        /// Its hash by tag.
        final_head: B256,
    },
    /// A block that is older than its parent.
    #[error("block {number} has time {timestamp}, its parent {parent}")]
    TimeRunsBackwards {
        /// The block.
        number: u64,
        /// Its time.
        timestamp: Timestamp,
        /// Its parent's time.
        parent: Timestamp,
    },
    /// A block at a time that does not exist.
    #[error("block {number} has time {timestamp}, which does not exist")]
    ImpossibleTime {
        /// The block.
        number: u64,
        /// Its time, unix seconds.
        timestamp: u64,
    },
    /// A block that does not follow on the last one: something between them was left out, or one of the two is not on the
    /// chain.
    #[error(
        "the block of slot {slot} follows on slot {parent}, but the last before it that is known is slot {previous}"
    )]
    MissingLink {
        /// The block's slot.
        slot: u64,
        /// The slot that it says it follows on.
        parent: u64,
        /// The last slot with a block before it, that was read or asked from.
        previous: u64,
    },
    /// A slot in a list that does not belong there.
    #[error("the list of slots from {first} on has {slot} out of its place")]
    ForeignSlot {
        /// The first slot that was asked for.
        first: u64,
        /// The slot that is wrong there.
        slot: u64,
    },
    /// A list that ends before what the same node calls final.
    #[error("slot {slot} is final, but the list of slots from {first} on has none at all")]
    NoSlots {
        /// The first slot that was asked for.
        first: u64,
        /// The final slot.
        slot: u64,
    },
    /// A block whose hash, or whose parent's, is none.
    #[error("the block of slot {slot} has a hash that is none: {reason}")]
    BlockHash {
        /// The slot.
        slot: u64,
        /// What does not fit.
        reason: String,
    },
    /// A block without a time.
    #[error("the block of slot {slot} has no time, or one that does not exist")]
    NoBlockTime {
        /// The slot.
        slot: u64,
    },
    /// A transaction whose outcome or log lines are missing.
    #[error(
        "transaction {index} of slot {slot} comes without its outcome or its log lines; the endpoint does not keep them, so \
         name one that does"
    )]
    NoOutcome {
        /// The slot.
        slot: u64,
        /// The transaction's position in the block, from 0.
        index: usize,
    },
    /// Another number of accounts than asked for, or their data in another encoding.
    #[error("asked for {asked} accounts, the answer does not have them: {reason}")]
    ForeignAccounts {
        /// How many accounts were asked for.
        asked: usize,
        /// What does not fit.
        reason: String,
    },
    /// A log that was not asked for, or is not in its block.
    #[error("log {index} {reason}")]
    ForeignLog {
        /// The log's position in the answer, from 0.
        index: usize,
        /// What does not fit.
        reason: String,
    },
    /// The logs of a block differ from those in its receipts.
    #[error(
        "eth_getLogs gives {returned} logs, the receipts of the block have {proven} (or others)"
    )]
    LogsDiffer {
        /// How many `eth_getLogs` returned.
        returned: usize,
        /// How many matching logs the receipts have.
        proven: usize,
    },
    /// The receipts are not those that the header commits to.
    #[error("the receipts hash to {computed}, the header says {header}")]
    ReceiptsRoot {
        /// The header's receipts root.
        header: B256,
        /// The root of the answer.
        computed: B256,
    },
    /// Logs were left out that are in the block.
    #[error("block {number} has logs that were asked for and not given")]
    OmittedLogs {
        /// The block.
        number: u64,
    },
    /// Other endpoints say something else, and more of them.
    #[error("block {number} is {theirs} there, and {majority} at {by} other endpoints")]
    Outvoted {
        /// The block.
        number: u64,
        /// Its hash, as the outvoted one says.
        theirs: B256,
        /// Its hash, as the others say.
        majority: B256,
        /// How many others.
        by: usize,
    },
    /// The logs of the receipts do not fill the header's bloom filter.
    #[error("the logs of its receipts do not give the bloom filter of its header")]
    LogsBloom,
    /// An account or a storage slot that the proof does not lead to.
    #[error(
        "the proof of {what} does not lead from the header's state root to what was answered: {problem} (or the chain's \
         state is not Ethereum's trie, which this version cannot check)"
    )]
    StateProof {
        /// `account 0x…` or `slot 0x…`.
        what: String,
        /// Where it fails.
        problem: String,
    },
}

impl SourceError {
    /// Whether the same read may succeed later, without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::MissingSlot { why, .. } => *why != NoBlock::Removed,
            Self::Request { .. }
            | Self::MissingBlock { .. }
            | Self::Contradiction { .. }
            | Self::Lagging { .. }
            | Self::TooFewEndpoints { .. }
            | Self::Disagreement { .. }
            // One endpoint's word, so far; if it is the chain's, a person reads what to set.
            | Self::TimestampsNotRising { .. } => true,
            Self::Event { .. }
            | Self::State { .. }
            | Self::Client { .. }
            | Self::Agreement { .. }
            | Self::NoSources { .. }
            | Self::WrongChain { .. }
            | Self::NothingWatched { .. }
            | Self::WrongGenesis { .. }
            | Self::ForkBelowFinality { .. }
            | Self::File { .. }
            | Self::FileHeader { .. }
            | Self::FileDamaged { .. }
            | Self::FileFormat { .. }
            | Self::FileChanged { .. }
            | Self::Spill { .. }
            | Self::Rows(_) => false,
        }
    }
}

/// An error and everything that it was caused by.
pub(crate) fn whole(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl core::fmt::Display for NoBlock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Skipped => {
                "the node says that the slot was skipped, or that it started from a snapshot after it; other blocks say \
                 that the slot has one, so name an endpoint that has it if this stays"
            }
            Self::NotYet => "the node does not have it yet",
            Self::Removed => {
                "the node has removed blocks as old as this: name an endpoint with a longer history"
            }
        })
    }
}

impl core::fmt::Display for Attempt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({}) at {}", self.method, self.about, self.endpoint)
    }
}
