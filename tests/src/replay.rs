//! A chain that never was, served fast: for measuring readers, not for fooling them.
//!
//! Every block has five transactions with two logs each: eight transfers of [`TOKEN`] and two answers of [`FEED`]. Headers
//! hash, link to their parents and commit to bloom filter and receipts, so that a reader that checks everything has
//! everything to check. Blocks are made of [`body::Body`]s that repeat every few thousand blocks; what differs from block to
//! block is written when it is asked for, which keeps a million logs in a few megabytes and costs about as much as copying.

mod answer;
mod body;
mod chain;
pub mod program;
mod server;
mod text;

pub use body::{FEED, LOGS_PER_BLOCK, TOKEN};
pub use chain::{GENESIS_TIME, Plan};
pub use server::ReplayServer;
