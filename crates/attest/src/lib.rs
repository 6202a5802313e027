//! The only crate that holds attestation keys.
//!
//! Promise: no payload is signed before it is journaled, durably, under its claim key. [`Attestor::attest`] and
//! [`Attestor::attest_batch`] are the only ways from a key to a signed claim; whatever crashes, retries or runs twice,
//! everything that is ever signed under one claim key and signing domain says the same. [`Seat::mirror`] repeats what is
//! journaled, in another form.

pub mod attestor;
pub mod error;
pub mod keystore;
pub mod mirror;
pub mod quorum;
pub mod seat;
pub mod signer;
pub mod withdrawal;

pub use attestor::{Attested, AttestedBatch, Attestor, BatchOutcome, Included};
pub use error::{AttestError, KeyFault};
pub use keystore::generate_keystore;
pub use mirror::Mirrored;
pub use quorum::{BatchShare, Cast};
pub use seat::Seat;
pub use signer::{KeySettings, Signer};
