//! The submitter against a real node and the real contracts: whatever a chain, a node or other people can do to a
//! transaction, the holder is paid once, and the delivery knows.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: what cannot be set up is a failed test"
)]

mod onchain_delivery {
    mod agreement;
    mod claims;
    mod endpoints;
    mod fees;
    mod large_batch;
    mod node;
    mod outbox;
    mod transactions;
    mod world;
}
