//! Contract events of an EVM chain, read over JSON-RPC.
//!
//! Promises, for every batch that [`ChainReader::next`] returns: its blocks are final, contiguous and linked by parent hash to
//! the cursor; each header hashes to its block hash; the logs of each block are exactly those that the block's receipts
//! prove, or that its bloom filter rules out. Anything else is an error, and an error leaves the cursor where it was.
//!
//! A node's answers are evidence, not truth: one endpoint is often several nodes, some of them behind, and an empty answer
//! is the commonest lie. Chains whose headers are not Ethereum's are refused rather than believed.

mod blocks;
mod endpoint;
mod event;
mod header;
mod logs;
mod observe;
mod reader;
mod receipts;
mod rpc;
mod settings;
pub mod state;

pub use endpoint::Endpoint;
pub use event::EventSource;
pub use reader::{ChainBatch, ChainReader};
pub use settings::{ChainSettings, EventSettings, SequenceFrom, TimeFrom};
