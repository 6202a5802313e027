// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch} from "../src/AttestationBatch.sol";
import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {BatchFixture} from "./support/BatchFixture.sol";
import {vm} from "./support/Vm.sol";

/// What a transaction costs, the 21,000 of any transaction and its calldata included. Forge compares the figures with
/// the committed snapshots/GasTest.json, so a change of cost shows in review.
/// forge-config: default.isolate = true
contract GasTest is BatchFixture {
    function test_consume_1_of_1() public {
        measureConsume(1, 1);
    }

    function test_consume_4_of_5() public {
        measureConsume(4, 5);
    }

    function test_consume_5_of_7() public {
        measureConsume(5, 7);
    }

    function test_consume_13_of_19() public {
        measureConsume(13, 19);
    }

    function test_claim_1_of_1() public {
        epoch = announce(1, keysInAddressOrder(1));
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.25e18);
        cover.claim(a, signedBy(a, keysInAddressOrder(1), 1));
        vm.snapshotGasLastCall("cover claim, 1 of 1");
    }

    /// Out of 1,024; out of 100,000 it is seven siblings more.
    function test_consume_batched_1_of_1() public {
        measureConsumeBatched(1, 1);
    }

    function test_consume_batched_13_of_19() public {
        measureConsumeBatched(13, 19);
    }

    function test_claim_batched_1_of_1() public {
        epoch = announce(1, keysInAddressOrder(1));
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.25e18);
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 10, "others");
        cover.claimBatched(a, batch, proof, pack(verifier.batchId(batch), keysInAddressOrder(1), 1));
        vm.snapshotGasLastCall("cover claim, 1 of 1, in a batch of 1024");
    }

    function measureConsumeBatched(uint8 threshold, uint256 count) private {
        uint256[] memory signerKeys = keysInAddressOrder(count);
        epoch = announce(threshold, signerKeys);
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 10, "others");
        bytes memory signatures = pack(verifier.batchId(batch), signerKeys, (1 << threshold) - 1);
        vm.prank(a.consumer);
        verifier.consumeBatched(a, batch, proof, signatures);
        string memory quorum = string.concat(vm.toString(threshold), " of ", vm.toString(count));
        vm.snapshotGasLastCall(string.concat("verifier consume, ", quorum, ", in a batch of 1024"));
    }

    function measureConsume(uint8 threshold, uint256 count) private {
        uint256[] memory signerKeys = keysInAddressOrder(count);
        epoch = announce(threshold, signerKeys);
        ClaimAttestation memory a = sample();
        consume(a, signedBy(a, signerKeys, (1 << threshold) - 1));
        vm.snapshotGasLastCall(string.concat("verifier consume, ", vm.toString(threshold), " of ", vm.toString(count)));
    }
}
