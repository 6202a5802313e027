// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch} from "../src/AttestationBatch.sol";
import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {HoldRelease} from "../src/HoldRelease.sol";
import {Revocation} from "../src/Revocation.sol";
import {LedgerFixture} from "./support/LedgerFixture.sol";
import {KeyWallet} from "./support/Wallets.sol";
import {vm} from "./support/Vm.sol";

/// What a transaction costs, the 21,000 of any transaction and its calldata included. Forge compares the figures with
/// the committed snapshots/GasTest.json, so a change of cost shows in review.
/// forge-config: default.isolate = true
contract GasTest is LedgerFixture {
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

    /// The wallet's own work included: one recovery.
    function test_consume_4_of_5_with_a_contract() public {
        KeyWallet wallet = new KeyWallet(vm.addr(keys[0]));
        address[] memory signers = addresses(keys);
        // In the place of the last signer, with an address above all others.
        address high = address(type(uint160).max);
        vm.etch(high, address(wallet).code);
        vm.store(high, 0, bytes32(uint256(uint160(vm.addr(keys[0])))));
        signers[4] = high;
        vm.prank(OWNER);
        epoch = verifier.announceEpoch(ACTIVE_FROM, SIGN_UNTIL, ACCEPT_UNTIL, 4, signers, 16);
        ClaimAttestation memory a = sample();
        bytes32 id = verifier.attestationId(a);
        bytes memory ofKeys = pack(id, keys, 7);
        bytes memory vote = signature(keys[0], verifier.voteDigest(id, high));
        bytes memory signatures = bytes.concat(abi.encode(1 << 255 | 23, 16), tailOf(ofKeys), bytes2(uint16(65)), vote);
        consume(a, signatures);
        vm.snapshotGasLastCall("verifier consume, 4 of 5, one of them a contract");
    }

    function test_a_correction_after_a_revocation() public {
        uint256[] memory one = keysInAddressOrder(1);
        ClaimAttestation memory a = sample();
        revoke(keyOf(a), 1);
        epoch = announce(1, one);
        a = corrected(sample(), 1);
        consume(a, signedBy(a, one, 1));
        vm.snapshotGasLastCall("verifier consume, 1 of 1, after a correction");
    }

    function test_hold_release_and_revoke() public {
        epoch = announce(4, keys);
        bytes32 key = keyOf(sample());
        vm.prank(GUARDIAN);
        verifier.holdClaim(key);
        vm.snapshotGasLastCall("verifier hold");
        HoldRelease memory held = releaseOf(key, 1);
        verifier.releaseClaim(held, pack(verifier.holdReleaseId(held), keys, 15));
        vm.snapshotGasLastCall("verifier release, 4 of 5");
        Revocation memory taken = revocationOf(keccak256("another claim"), 1);
        verifier.revokeClaim(taken, pack(verifier.revocationId(taken), keys, 15));
        vm.snapshotGasLastCall("verifier revoke, 4 of 5");
    }

    function tailOf(bytes memory packed) private pure returns (bytes memory tail) {
        tail = new bytes(packed.length - 32);
        for (uint256 i = 0; i < tail.length; ++i) {
            tail[i] = packed[i + 32];
        }
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
