//! Four nodes, each with its own source, books and key, of which three must sign: what they attest together, and what one
//! of them that is dead, lies, is cut off or dies in the middle can do about it, which is nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own steps: what cannot be done is a failed test"
)]

mod quorum {
    mod broken;
    mod chain;
    mod deaths;
    mod declared;
    mod feeds;
    mod hostile;
    mod large;
    mod misuse;
    mod nodes;
    mod off_chain;
    mod quartet;
    mod slow;
    mod told;
}
