// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch} from "../../src/AttestationBatch.sol";
import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {CoverFixture} from "./CoverFixture.sol";
import {vm} from "./Vm.sol";

/// Batches around one attestation: the siblings on its way to the root stand for all the others.
abstract contract BatchFixture is CoverFixture {
    /// A batch that `a` is in, `depth` below its root, and the proof of that. The siblings follow from `salt`.
    function batchOf(ClaimAttestation memory a, uint256 depth, bytes32 salt)
        internal
        view
        returns (AttestationBatch memory batch, bytes32[] memory proof)
    {
        proof = new bytes32[](depth);
        bytes32 node = leafOf(verifier.attestationId(a));
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = keccak256(abi.encode(salt, i));
            node = pair(node, proof[i]);
        }
        batch =
            AttestationBatch({root: node, count: uint32(2 ** depth), issuedAt: a.issuedAt, signerEpoch: a.signerEpoch});
    }

    function signedBatch(AttestationBatch memory batch) internal view returns (bytes memory) {
        return pack(verifier.batchId(batch), keys, 0x15);
    }

    function consumeBatched(ClaimAttestation memory a, AttestationBatch memory batch, bytes32[] memory proof)
        internal
        returns (bytes32)
    {
        bytes memory signatures = signedBatch(batch);
        vm.prank(a.consumer);
        return verifier.consumeBatched(a, batch, proof, signatures);
    }

    function leafOf(bytes32 id) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(id))));
    }

    function pair(bytes32 one, bytes32 other) internal pure returns (bytes32) {
        return one < other ? keccak256(abi.encode(one, other)) : keccak256(abi.encode(other, one));
    }

    /// Expects both doors to refuse with this error, and that the refusal consumed nothing.
    function refusedBatched(
        ClaimAttestation memory a,
        AttestationBatch memory batch,
        bytes32[] memory proof,
        bytes memory signatures,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        verifier.verifyBatched(a, batch, proof, signatures);
        vm.prank(a.consumer);
        vm.expectRevert(reason);
        verifier.consumeBatched(a, batch, proof, signatures);
        vm.assertFalse(verifier.consumed(verifier.claimKeyOf(a)), "a refusal consumed the claim");
    }
}
