//! What the end-to-end tests share: the real parts that they start, and the faults that they put between them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support: what cannot be set up is a failed test"
)]

pub mod anvil;
pub mod chain_bench;
pub mod claims_bench;
pub mod contract;
pub mod emitted;
pub mod feed;
pub mod flight_bench;
pub mod http;
pub mod ledger;
pub mod life;
pub mod market;
pub mod member;
pub mod mortal;
pub mod node;
pub mod operator;
pub mod payout_stage;
pub mod random;
pub mod replay;
pub mod rpc_fault;
pub mod scene;
pub mod service_bench;
pub mod signed;
pub mod spot;
pub mod teller;
mod wire;
