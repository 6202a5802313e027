//! The only crate that reads the world: chains, HTTP feeds and recorded files become observations.
//!
//! Promises: what could not be read is an error and moves no cursor, so a failed read is never a "no"; the same blocks or
//! rows give the same observations, however they are split into batches; nothing here decides, stores or retries.

pub mod block_source;
pub mod chain;
pub mod error;
pub mod feed;
pub mod file;
mod pace;
mod retry_after;
pub mod solana;
mod suggest;

pub use block_source::{BlockBatch, BlockSource, Heads, Watched};
pub use error::SourceError;
