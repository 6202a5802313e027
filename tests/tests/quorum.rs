//! Four nodes, each with its own source, books and key, of which three must sign: what they attest together, and what one
//! of them that is dead, lies, is cut off or dies in the middle can do about it, which is nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own steps: what cannot be done is a failed test"
)]

#[path = "quorum/chain.rs"]
mod chain;
#[path = "quorum/deaths.rs"]
mod deaths;
#[path = "quorum/feeds.rs"]
mod feeds;
#[path = "quorum/hostile.rs"]
mod hostile;
#[path = "quorum/member.rs"]
mod member;
#[path = "quorum/quartet.rs"]
mod quartet;
