// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch, AttestationBatches} from "../src/AttestationBatch.sol";
import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {Fixture} from "./support/Fixture.sol";
import {VectorReader} from "./support/VectorReader.sol";
import {vm} from "./support/Vm.sol";

/// The contract accepts every claim of the batches that viem and OpenZeppelin's merkle-tree made.
contract BatchVectorsTest is Fixture {
    VectorReader private reader = new VectorReader("vectors/batches.json");

    function test_the_type_is_the_same() public view {
        vm.assertEq(AttestationBatches.TYPEHASH, reader.typeHash(), "type hash");
    }

    function test_every_claim_of_every_batch_is_accepted() public {
        bytes memory runtime = address(verifier).code;
        uint256 accepted = 0;
        for (uint256 i = 0; reader.exists(i); ++i) {
            address place = reader.account(i, ".domain.verifyingContract");
            vm.chainId(reader.number(i, ".domain.chainId"));
            vm.etch(place, runtime);
            verifier = TocsinVerifier(place);
            if (verifier.epochCount() == 0) announceFor(i);
            vm.warp(reader.number(i, ".acceptedAt"));
            AttestationBatch memory batch = batchIn(i);
            vm.assertEq(verifier.batchId(batch), reader.word(i, ".digest"), "digest");
            bytes memory signatures = reader.data(i, ".packedSignatures");
            for (uint256 j = 0; j < batch.count; ++j) {
                string memory key = string.concat(".claims[", vm.toString(j), "]");
                ClaimAttestation memory a = reader.claimAt(i, key);
                bytes32[] memory proof = reader.words(i, string.concat(key, ".proof"));
                bytes32 id = verifier.verifyBatched(a, batch, proof, signatures);
                vm.assertEq(id, reader.word(i, string.concat(key, ".digest")), "attestation id");
                vm.prank(a.consumer);
                verifier.consumeBatched(a, batch, proof, signatures);
                ++accepted;
            }
        }
        vm.assertGe(accepted, 19, "vectors were read");
    }

    function batchIn(uint256 i) private view returns (AttestationBatch memory) {
        return AttestationBatch({
            root: reader.word(i, ".batch.root"),
            count: uint32(reader.number(i, ".batch.count")),
            issuedAt: uint64(reader.number(i, ".batch.issuedAt")),
            signerEpoch: uint32(reader.number(i, ".batch.signerEpoch"))
        });
    }

    /// Etched code has no storage, so the verifier there is owned by nobody.
    function announceFor(uint256 i) private {
        uint8 threshold = uint8(reader.number(i, ".threshold"));
        address[] memory signers = reader.signers();
        vm.prank(address(0));
        verifier.announceEpoch(0, type(uint64).max, type(uint64).max, threshold, signers, 0);
    }
}
