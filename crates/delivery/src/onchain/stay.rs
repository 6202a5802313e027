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

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use tocsin_domain::attestation::{AttestationBatch, ClaimAttestation};

    use super::super::{batched_claim_calldata, claim_calldata};
    use super::*;

    #[test]
    fn every_call_that_delivers_a_claim_names_the_policy_whose_escrow_is_kept() {
        let claim = ClaimAttestation {
            policyId: B256::repeat_byte(1),
            eventId: B256::repeat_byte(2),
            ..ClaimAttestation::from_bytes(&[0; 22 * 32]).unwrap()
        };
        let batch = AttestationBatch {
            root: B256::ZERO,
            count: 2,
            issuedAt: 1,
            signerEpoch: 1,
        };
        let alone = claim_calldata(&claim, &[7; 97]);
        let batched = batched_claim_calldata(&claim, &batch, &[B256::ZERO], &[7; 97]);
        for call in [alone, batched] {
            let stay = staying(&call).unwrap();
            assert!(stays(&stay) && !stays(&call));
            let read = stayCall::abi_decode(&stay).unwrap();
            assert_eq!(
                (read.policyId, read.eventId),
                (claim.policyId, claim.eventId)
            );
        }
        assert_eq!(staying(&Bytes::from_static(b"else")), None);
    }
}
