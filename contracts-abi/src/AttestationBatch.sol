// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// Many attestations under one signature: the root of the Merkle tree over their ids, in the form of OpenZeppelin's
/// StandardMerkleTree for leaves of one `bytes32`. The order of the fields is part of the EIP-712 type and can never
/// change.
struct AttestationBatch {
    bytes32 root;
    uint32 count;
    uint64 issuedAt;
    uint32 signerEpoch;
}

/// Whether an attestation is in a batch.
library AttestationBatches {
    error WrongProofLength(uint256 length, uint32 count);
    error NotInBatch(bytes32 attestationId, bytes32 root);

    bytes32 internal constant TYPEHASH =
        keccak256("AttestationBatch(bytes32 root,uint32 count,uint64 issuedAt,uint32 signerEpoch)");

    /// The EIP-712 struct hash.
    function structHash(AttestationBatch calldata batch) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, batch));
    }

    /// Reverts unless `proof` leads from this attestation to the root. A leaf is hashed twice, so that no inner node,
    /// which is the hash of two words, can pass for one.
    function checkContains(AttestationBatch calldata batch, bytes32 attestationId, bytes32[] calldata proof)
        internal
        pure
    {
        _checkLength(batch.count, proof.length);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(attestationId))));
        if (!MerkleProof.verifyCalldata(proof, batch.root, leaf)) revert NotInBatch(attestationId, batch.root);
    }

    /// In a tree of `count` leaves each lies ⌊log2(count)⌋ or ⌈log2(count)⌉ below the root. So the number that was signed
    /// is not only said: a tree of another size is refused.
    function _checkLength(uint32 count, uint256 length) private pure {
        bool fits = length <= 32 && count > 2 ** length / 2 && count < 2 ** (length + 1);
        if (!fits) revert WrongProofLength(length, count);
    }
}
