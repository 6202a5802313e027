//! Whether anything has changed: a mark that every commit changes, whoever commits.
//!
//! Whoever keeps what was read from the store asks for the mark before reading, and serves it again only under the same mark.

use async_trait::async_trait;

use crate::StoreError;

/// A mark of what is committed. Two that are equal were taken of the same records; two that differ say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version(pub [u8; 48]);

/// Knows whether anything was committed.
#[async_trait]
pub trait Versions: Send + Sync {
    /// The mark of now: another than any that was taken before the last commit, of this process or of another.
    async fn version(&self) -> Result<Version, StoreError>;
}
