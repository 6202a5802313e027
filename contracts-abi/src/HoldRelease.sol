// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// A quorum ends one hold of a claim: the one with this ordinal, and no later one. The order of the fields is part of
/// the EIP-712 type and can never change.
struct HoldRelease {
    bytes32 claimKey;
    /// The holds of a claim are numbered from 1.
    uint32 hold;
    uint64 issuedAt;
    uint32 signerEpoch;
}

library HoldReleases {
    bytes32 internal constant TYPEHASH =
        keccak256("HoldRelease(bytes32 claimKey,uint32 hold,uint64 issuedAt,uint32 signerEpoch)");

    /// The EIP-712 struct hash.
    function structHash(HoldRelease calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, r));
    }
}
