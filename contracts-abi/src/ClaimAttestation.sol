// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// The signed claim: one loss event of one policy, addressed to one consumer. Fractions and values have 18 decimals,
/// times are Unix seconds. The order of the fields is part of the EIP-712 type and can never change.
struct ClaimAttestation {
    bytes32 policyId;
    bytes32 termsHash;
    bytes32 eventId;
    address consumer;
    uint8 verdict;
    uint64 payoutFraction;
    int256 measuredValue;
    uint64 occurredAt;
    uint64 confirmedAt;
    uint64 windowStart;
    uint64 windowEnd;
    uint64 sourceChainId;
    uint64 sourceBlock;
    bytes32 sourceBlockHash;
    bytes32 evidenceRoot;
    uint32 evidenceCount;
    uint64 issuedAt;
    uint64 validAfter;
    uint64 validUntil;
    uint32 signerEpoch;
    uint32 revision;
    bytes32 supersedes;
}

/// The identities that are derived from a claim, the same for every contract that handles one.
library ClaimAttestations {
    /// Verdicts: 1 triggered, 2 not triggered, 3 inconclusive. Zero is none, so that an unset field is never one.
    uint8 internal constant TRIGGERED = 1;
    uint8 internal constant NOT_TRIGGERED = 2;
    uint8 internal constant LAST_VERDICT = 3;

    /// A payout fraction of one: the whole sum insured.
    uint64 internal constant ONE = 1e18;

    bytes32 internal constant TYPEHASH = keccak256(
        "ClaimAttestation(bytes32 policyId,bytes32 termsHash,bytes32 eventId,address consumer,uint8 verdict,"
        "uint64 payoutFraction,int256 measuredValue,uint64 occurredAt,uint64 confirmedAt,uint64 windowStart,"
        "uint64 windowEnd,uint64 sourceChainId,uint64 sourceBlock,bytes32 sourceBlockHash,bytes32 evidenceRoot,"
        "uint32 evidenceCount,uint64 issuedAt,uint64 validAfter,uint64 validUntil,uint32 signerEpoch,"
        "uint32 revision,bytes32 supersedes)"
    );

    /// The EIP-712 struct hash. Every member is a value type, so its EIP-712 encoding is its ABI encoding. The
    /// encoder range-checks each member on its way from calldata: dirty high bits revert and are never hashed.
    function structHash(ClaimAttestation calldata a) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, a));
    }

    /// The only consumption key. It leaves out times, epoch, revision and signatures, so a re-issue cannot pay twice.
    function claimKey(ClaimAttestation calldata a) internal pure returns (bytes32) {
        return keccak256(abi.encode(a.consumer, a.policyId, a.termsHash, a.eventId));
    }
}
