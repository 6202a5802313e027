//! A Solana node over its real protocol: recorded exchanges, replayed over HTTP.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "solana/accounts.rs"]
mod accounts;
#[path = "solana/events.rs"]
mod events;
#[path = "solana/links.rs"]
mod links;
#[path = "solana/node.rs"]
mod node;
#[path = "solana/setup.rs"]
mod setup;
#[path = "solana/transport.rs"]
mod transport;
