// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {CoverFixture} from "./support/CoverFixture.sol";
import {vm} from "./support/Vm.sol";

/// What a transaction costs, the 21,000 of any transaction and its calldata included. Forge compares the figures with
/// the committed snapshots/GasTest.json, so a change of cost shows in review.
/// forge-config: default.isolate = true
contract GasTest is CoverFixture {
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

    function measureConsume(uint8 threshold, uint256 count) private {
        uint256[] memory signerKeys = keysInAddressOrder(count);
        epoch = announce(threshold, signerKeys);
        ClaimAttestation memory a = sample();
        consume(a, signedBy(a, signerKeys, (1 << threshold) - 1));
        vm.snapshotGasLastCall(string.concat("verifier consume, ", vm.toString(threshold), " of ", vm.toString(count)));
    }
}
