//! The only crate that writes to the world.
//!
//! An attestation reaches the contract that pays by a transaction. What has been promised about one (which nonce it
//! holds, which signed bytes exist) lives in the store, which this crate never sees; here are the effects (read the
//! chain, sign, broadcast) and the pure decision that says which effect comes next.
//!
//! Events reach the servers of others by signed requests ([`webhook`]).
//!
//! Promises: signed bytes are returned before they are broadcast, so that they can be stored in between; a read that
//! failed is an error and never an answer; nothing counts as done, refused for good or free to be sent anew but on
//! final blocks.

pub mod error;
pub mod onchain;
pub mod webhook;

pub use error::DeliveryError;
