//! The wanted logs of some blocks, held against what the blocks' headers commit to.

mod confirm;
mod proven;
mod ranges;

use alloy::primitives::{Address, B256, Bytes, Log, LogData};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::header::BlockHeader;
use super::keccak;
use super::observe::raw_hashes;
use super::quantity::quantity_if_any;

pub(crate) use proven::proven;

/// The topics of a log, at most.
const TOPICS_MAX: usize = 4;

/// A log, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    /// The position of its block among those that were read.
    pub(crate) block: usize,
    /// Its index in the block.
    pub(crate) index: u64,
    pub(crate) log: Log,
    /// The hash that `ChainPosition::raw_hash` documents.
    pub(crate) raw_hash: B256,
}

/// What some blocks have of the wanted logs.
pub(crate) struct Logs {
    /// By block and index.
    pub(crate) found: Vec<Found>,
    /// How many of the blocks were read: all of them, unless they have too much.
    pub(crate) blocks: usize,
    /// Whether everything follows from the headers' receipts roots and bloom filters.
    pub(crate) by_root: bool,
}

/// The blocks that are read, in order and without gaps, and what of them is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) headers: &'a [BlockHeader],
    pub(crate) wanted: &'a super::wanted::Wanted<'a>,
    /// Reading ends with the block that brings it to this many logs.
    pub(crate) most: usize,
}

impl Logs {
    /// Ends with the block that brings it to `most` logs, if one does.
    fn cut(mut self, most: usize) -> Self {
        if let Some(block) = self.found.get(most.saturating_sub(1)).map(|log| log.block)
            && block + 1 < self.blocks
        {
            self.blocks = block + 1;
            self.found.retain(|log| log.block <= block);
        }
        self
    }
}

impl<'a> Task<'a> {
    /// The same, without the blocks from this position on.
    fn up_to(self, blocks: usize) -> Self {
        Self {
            headers: self.headers.get(..blocks).unwrap_or(self.headers),
            ..self
        }
    }

    /// The positions of the blocks that may have wanted logs.
    fn rooms(&self) -> Vec<usize> {
        (0..)
            .zip(self.headers)
            .filter(|(_, header)| self.wanted.may_be_in(header))
            .map(|(place, _)| place)
            .collect()
    }
}

/// A log as a node answers it.
pub(crate) struct RpcLog {
    pub(crate) log: Log,
    pub(crate) block_hash: Option<B256>,
    pub(crate) block_number: Option<u64>,
    pub(crate) index: Option<u64>,
    pub(crate) removed: bool,
}

impl<'de> Deserialize<'de> for RpcLog {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Flat, unlike alloy's own type, which buffers every field before it reads it.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            address: Address,
            topics: Vec<B256>,
            data: Bytes,
            block_hash: Option<B256>,
            #[serde(default, deserialize_with = "quantity_if_any")]
            block_number: Option<u64>,
            #[serde(default, deserialize_with = "quantity_if_any")]
            log_index: Option<u64>,
            #[serde(default)]
            removed: bool,
        }
        let fields = Fields::deserialize(from)?;
        let data = LogData::new(fields.topics, fields.data)
            .ok_or_else(|| D::Error::custom("a log has more than four topics"))?;
        Ok(Self {
            log: Log {
                address: fields.address,
                data,
            },
            block_hash: fields.block_hash,
            block_number: fields.block_number,
            index: fields.log_index,
            removed: fields.removed,
        })
    }
}

/// A log of an index, hashed where the answer was read, which may be beside others.
pub(crate) struct IndexedLog {
    pub(crate) log: RpcLog,
    raw_hash: B256,
    /// The hashes of its topics but the first, by which a bloom filter finds them.
    topic_hashes: [B256; TOPICS_MAX - 1],
}

/// The logs of an answer.
pub(crate) struct IndexedLogs(Vec<IndexedLog>);

/// Logs that are hashed side by side.
const SIDE_BY_SIDE: usize = 64;

impl<'de> Deserialize<'de> for IndexedLogs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut logs = Vec::<RpcLog>::deserialize(from)?.into_iter();
        let mut indexed = Vec::with_capacity(logs.len());
        while logs.len() > 0 {
            indexed.extend(hashed(logs.by_ref().take(SIDE_BY_SIDE).collect()));
        }
        Ok(Self(indexed))
    }
}

fn hashed(logs: Vec<RpcLog>) -> impl Iterator<Item = IndexedLog> {
    let bare: Vec<&Log> = logs.iter().map(|log| &log.log).collect();
    let raw_hashes = raw_hashes(&bare);
    let topics = bare.iter().flat_map(|log| log.topics().iter().skip(1));
    let topics: Vec<&[u8]> = topics.map(B256::as_slice).collect();
    let mut hashes = keccak::each(&topics).into_iter();
    logs.into_iter()
        .zip(raw_hashes)
        .map(move |(log, raw_hash)| {
            let mut topic_hashes = [B256::ZERO; TOPICS_MAX - 1];
            let topics = log.log.topics().iter().skip(1);
            for ((to, _), hash) in topic_hashes.iter_mut().zip(topics).zip(hashes.by_ref()) {
                *to = hash;
            }
            IndexedLog {
                log,
                raw_hash,
                topic_hashes,
            }
        })
}

impl IndexedLog {
    fn topic_hashes(&self) -> &[B256] {
        let count = self.log.log.topics().len().saturating_sub(1);
        self.topic_hashes.get(..count).unwrap_or(&self.topic_hashes)
    }
}

fn about(header: &BlockHeader) -> String {
    format!("block {} {}", header.number, header.hash)
}
