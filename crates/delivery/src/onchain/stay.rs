//! Keeping a cover's escrow while a claim is held.
//!
//! A hold stops a claim until a quorum has decided, and that may take longer than the cover's settlement. `stay` keeps the
//! escrow of the claim's policy meanwhile; the cover takes it only when it is needed, so whoever delivers the claim just tries.

use alloy::primitives::Bytes;
use alloy::sol_types::SolCall;

use super::contract::ParametricCover::{claimBatchedCall, claimCall, stayCall};

/// The call that keeps the escrow of what `claim` would have paid; `None` for a call of another kind.
pub(super) fn staying(claim: &Bytes) -> Option<Bytes> {
    let attestation = if claim.starts_with(&claimCall::SELECTOR) {
        claimCall::abi_decode(claim).ok()?.a
    } else {
        claimBatchedCall::abi_decode(claim).ok()?.a
    };
    let call = stayCall {
        policyId: attestation.policyId,
        eventId: attestation.eventId,
    };
    Some(call.abi_encode().into())
}

/// Whether a call keeps an escrow.
pub(super) fn stays(call: &[u8]) -> bool {
    call.starts_with(&stayCall::SELECTOR)
}
