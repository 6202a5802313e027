//! The catalogue of covers, each with cases worked out by hand from its page: what pays, what does not, and every
//! boundary. Every case goes through both evaluators.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "catalogue/harness.rs"]
mod harness;
#[path = "catalogue/shelf.rs"]
mod shelf;
// One case, one line.
#[rustfmt::skip]
#[path = "catalogue/usdc_depeg_24h.rs"]
mod usdc_depeg_24h;
