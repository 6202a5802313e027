//! The call that delivers a claim to a contract.

use alloy::primitives::{B256, Bytes};
use alloy::sol_types::{SolCall, SolValue};
use tocsin_domain::attestation::{AttestationBatch, ClaimAttestation};

use super::contract::ParametricCover::{claimBatchedCall, claimCall};

/// The call `claim(attestation, signatures)` of a cover contract. `signatures` is the packed quorum: a signer bitmap,
/// then the signatures.
pub fn claim_calldata(attestation: &ClaimAttestation, signatures: &[u8]) -> Bytes {
    // The signed struct and the contract's are one type in two places; a test holds them together.
    let arguments = (attestation.clone(), Bytes::copy_from_slice(signatures)).abi_encode_params();
    [claimCall::SELECTOR.as_slice(), &arguments].concat().into()
}

/// The call `claimBatched(attestation, batch, proof, signatures)` of a cover contract; the signatures are the batch's.
pub fn batched_claim_calldata(
    attestation: &ClaimAttestation,
    batch: &AttestationBatch,
    proof: &[B256],
    signatures: &[u8],
) -> Bytes {
    let signatures = Bytes::copy_from_slice(signatures);
    let arguments = (
        attestation.clone(),
        batch.clone(),
        proof.to_vec(),
        signatures,
    )
        .abi_encode_params();
    [claimBatchedCall::SELECTOR.as_slice(), &arguments]
        .concat()
        .into()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, I256};

    use super::*;

    fn sample() -> ClaimAttestation {
        ClaimAttestation {
            policyId: B256::repeat_byte(1),
            termsHash: B256::repeat_byte(2),
            eventId: B256::repeat_byte(3),
            consumer: Address::repeat_byte(4),
            verdict: 5,
            payoutFraction: 6,
            measuredValue: I256::MINUS_ONE,
            occurredAt: 8,
            confirmedAt: 9,
            windowStart: 10,
            windowEnd: 11,
            sourceChainId: 12,
            sourceBlock: 13,
            sourceBlockHash: B256::repeat_byte(14),
            evidenceRoot: B256::repeat_byte(15),
            evidenceCount: 16,
            issuedAt: 17,
            validAfter: 18,
            validUntil: 19,
            signerEpoch: 20,
            revision: 21,
            supersedes: B256::repeat_byte(22),
        }
    }

    #[test]
    fn the_contract_reads_every_field_where_it_was_put() {
        let attestation = sample();
        let read = claimCall::abi_decode(&claim_calldata(&attestation, &[7; 97])).unwrap();
        assert_eq!(read.signatures, Bytes::from(vec![7; 97]));
        // Same names, same values: the printed forms agree field by field.
        assert_eq!(format!("{:?}", read.a), format!("{attestation:?}"));
    }
    #[test]
    fn the_contract_reads_a_batch_and_a_proof_where_they_were_put() {
        let batch = AttestationBatch {
            root: B256::repeat_byte(23),
            count: 24,
            issuedAt: 25,
            signerEpoch: 26,
        };
        let proof = [B256::repeat_byte(27), B256::repeat_byte(28)];
        let call = batched_claim_calldata(&sample(), &batch, &proof, &[7; 97]);
        let read = claimBatchedCall::abi_decode(&call).unwrap();
        assert_eq!(read.signatures, Bytes::from(vec![7; 97]));
        assert_eq!(read.proof, proof);
        assert_eq!(format!("{:?}", read.a), format!("{:?}", sample()));
        assert_eq!(format!("{:?}", read.batch), format!("{batch:?}"));
    }
}
