// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// A quorum takes back what it said of a claim: statements of a revision below `minRevision` are refused from now on.
/// The order of the fields is part of the EIP-712 type and can never change.
struct Revocation {
    bytes32 claimKey;
    uint32 minRevision;
    /// The keccak-256 of the reason's text.
    bytes32 reason;
    uint64 issuedAt;
    uint32 signerEpoch;
}

library Revocations {
    bytes32 internal constant TYPEHASH =
        keccak256("Revocation(bytes32 claimKey,uint32 minRevision,bytes32 reason,uint64 issuedAt,uint32 signerEpoch)");

    /// The EIP-712 struct hash.
    function structHash(Revocation calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, r));
    }
}
