//! Feeds against a real HTTP server that replays exchanges: what providers answer by their own documentation, and everything
//! that goes wrong on the way.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "feed_http/definitions.rs"]
mod definitions;
#[path = "feed_http/exchanges.rs"]
mod exchanges;
#[path = "feed_http/files.rs"]
mod files;
#[path = "feed_http/flights.rs"]
mod flights;
#[path = "feed_http/fusion.rs"]
mod fusion;
#[path = "feed_http/keys.rs"]
mod keys;
#[path = "feed_http/pages.rs"]
mod pages;
#[path = "feed_http/polls.rs"]
mod polls;
#[path = "feed_http/reports.rs"]
mod reports;
#[path = "feed_http/server.rs"]
mod server;
#[path = "feed_http/setup.rs"]
mod setup;
#[path = "feed_http/transport.rs"]
mod transport;
