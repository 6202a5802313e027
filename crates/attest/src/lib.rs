//! The only crate that holds attestation keys.
//!
//! Promise: no payload is signed before its claim key is reserved, durably, for exactly that payload. [`Attestor::attest`]
//! and [`Attestor::attest_batch`] are the only ways from a key to a signature; whatever crashes, retries or runs twice, at most one payload per claim key
//! and signing domain is ever signed.

pub mod attestor;
pub mod error;
pub mod keystore;
pub mod quorum;
pub mod seat;
pub mod signer;

pub use attestor::{Attested, AttestedBatch, Attestor, BatchOutcome, Included};
pub use error::AttestError;
pub use keystore::generate_keystore;
pub use quorum::{BatchShare, Cast};
pub use seat::Seat;
pub use signer::{KeySettings, Signer};
