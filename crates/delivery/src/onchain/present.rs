//! Presenting a claim to a cover that pays after a veto.
//!
//! `present` takes what `claim` takes, alone and in a batch, so the one call is made from the other: only the selector differs.

use alloy::primitives::Bytes;
use alloy::sol_types::SolCall;

use super::contract::ParametricCover::{
    claimBatchedCall, claimCall, presentBatchedCall, presentCall,
};

/// The call that presents what `claim` would have paid; a call of another kind as it is.
pub(super) fn presenting(claim: &Bytes) -> Bytes {
    let Some((selector, arguments)) = claim.split_first_chunk() else {
        return claim.clone();
    };
    let selector = match *selector {
        claimCall::SELECTOR => presentCall::SELECTOR,
        claimBatchedCall::SELECTOR => presentBatchedCall::SELECTOR,
        other => other,
    };
    [&selector, arguments].concat().into()
}

/// Whether a call presents.
pub(super) fn presents(call: &[u8]) -> bool {
    call.starts_with(&presentCall::SELECTOR) || call.starts_with(&presentBatchedCall::SELECTOR)
}
