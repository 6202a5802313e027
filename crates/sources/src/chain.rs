//! Events and state of contracts of an EVM chain, read over JSON-RPC at one endpoint or several.
//!
//! Promises, for every batch that [`ChainReader`] gives: its blocks are final, contiguous and linked by parent hash to the cursor;
//! each header hashes to its block hash; as many endpoints as configured have the same last block; and the logs of each
//! block are exactly those that [`LogProof`] says. Anything else is an error, and an error leaves the cursor where it was.
//!
//! A node's answers are evidence, not truth: one endpoint is often several nodes, some of them behind, and an empty answer
//! is the commonest lie. Chains whose headers are not Ethereum's are refused rather than believed.

mod agree;
mod announcements;
mod assemble;
mod batch_size;
mod blocks;
mod endpoint;
mod event;
mod follow;
mod header;
mod keccak;
mod logs;
mod node;
mod nodes;
mod observe;
mod place;
mod quantity;
mod reader;
mod readings;
mod receipts;
mod recheck;
pub(crate) mod rpc;
mod settings;
mod source;
pub mod state;
mod tip;
mod wanted;
mod words;

pub use endpoint::Endpoint;
pub use event::EventSource;
pub use node::health::{EndpointReport, Offence, Standing, Troubles};
pub use reader::ChainReader;
pub use recheck::Recheck;
pub use settings::{
    ChainSettings, EndpointSettings, EventSettings, LogProof, SequenceFrom, TimeFrom,
};
pub use source::ChainSource;
pub use tip::{ProvisionalBlock, Tip, TipChange};
