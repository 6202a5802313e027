// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch, AttestationBatches} from "../src/AttestationBatch.sol";
import {ClaimLedger} from "../src/ClaimLedger.sol";
import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {ITocsinVerifier} from "../src/ITocsinVerifier.sol";
import {ParametricCover} from "../src/ParametricCover.sol";
import {QuorumSignatures} from "../src/QuorumSignatures.sol";
import {SignerEpochs} from "../src/SignerEpochs.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {BatchFixture} from "./support/BatchFixture.sol";
import {vm} from "./support/Vm.sol";

/// An attestation that was signed as one of many is as good as one that was signed alone, and no better.
contract BatchTest is BatchFixture {
    function test_a_batched_claim_is_accepted_and_remembered_under_the_same_key() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        bytes memory signatures = signedBatch(batch);
        bytes32 id = verifier.attestationId(a);
        bytes32 key = verifier.claimKeyOf(a);
        vm.assertEq(verifier.verifyBatched(a, batch, proof, signatures), id, "verify returns the attestation id");
        vm.assertFalse(verifier.consumed(key), "verify consumes nothing");

        vm.expectEmit(address(verifier));
        emit ITocsinVerifier.Consumed(key, id, CONSUMER, a.policyId, a.payoutFraction);
        vm.prank(CONSUMER);
        vm.assertEq(verifier.consumeBatched(a, batch, proof, signatures), key, "consume returns the claim key");
        vm.assertTrue(verifier.consumed(key), "consumed");
    }

    function test_not_twice_in_whatever_form() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        (AttestationBatch memory second, bytes32[] memory secondProof) = batchOf(a, 5, "yet others");
        bytes32 key = consumeBatched(a, batch, proof);
        bytes memory reason = abi.encodeWithSelector(ClaimLedger.AlreadyConsumed.selector, key);
        bytes memory alone = signed(a);
        bytes memory batched = signedBatch(batch);
        bytes memory secondBatched = signedBatch(second);

        vm.startPrank(CONSUMER);
        vm.expectRevert(reason);
        verifier.consumeBatched(a, batch, proof, batched);
        vm.expectRevert(reason);
        verifier.consumeBatched(a, second, secondProof, secondBatched);
        vm.expectRevert(reason);
        verifier.consume(a, alone);
        vm.stopPrank();
    }

    function test_a_batch_of_one_needs_no_proof() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 0, "");
        vm.assertEq(batch.root, leafOf(verifier.attestationId(a)), "the leaf is the root");
        consumeBatched(a, batch, proof);
    }

    function test_only_the_consumer_may_consume() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        bytes memory signatures = signedBatch(batch);
        vm.expectRevert(abi.encodeWithSelector(TocsinVerifier.NotConsumer.selector, address(this), CONSUMER));
        verifier.consumeBatched(a, batch, proof, signatures);
    }

    function test_the_signature_of_one_is_none_of_a_batch() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 0, "");
        bytes memory alone = signed(a);
        bytes memory batched = signedBatch(batch);
        vm.startPrank(CONSUMER);
        vm.expectPartialRevert(QuorumSignatures.WrongSigner.selector);
        verifier.consumeBatched(a, batch, proof, alone);
        vm.expectPartialRevert(QuorumSignatures.WrongSigner.selector);
        verifier.consume(a, batched);
        vm.stopPrank();
    }

    function testFuzz_any_place_in_a_batch_is_accepted(uint256 depth, uint32 count, bytes32 salt) public {
        depth = bound(depth, 0, 20);
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, depth, salt);
        batch.count = uint32(bound(count, 2 ** depth / 2 + 1, 2 ** (depth + 1) - 1));
        consumeBatched(a, batch, proof);
    }

    function testFuzz_the_count_fits_the_proof(uint256 depth, uint32 count) public {
        depth = bound(depth, 0, 12);
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, depth, "others");
        batch.count = uint32(bound(count, 0, 2 ** 14));
        vm.assume(batch.count <= 2 ** depth / 2 || batch.count >= 2 ** (depth + 1));
        bytes memory reason = abi.encodeWithSelector(AttestationBatches.WrongProofLength.selector, depth, batch.count);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);
    }

    function test_a_proof_that_never_ends_is_refused() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 31, "others");
        batch.count = type(uint32).max;
        vm.assertEq(verifier.verifyBatched(a, batch, proof, signedBatch(batch)), verifier.attestationId(a), "32 bits");
        proof = new bytes32[](300);
        bytes memory reason = abi.encodeWithSelector(AttestationBatches.WrongProofLength.selector, 300, batch.count);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);
    }

    function testFuzz_no_other_attestation_is_in_the_batch(uint64 fraction, bytes32 policyId) public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 4, "others");
        bytes memory signatures = signedBatch(batch);
        a.payoutFraction = uint64(bound(fraction, 0, 1e18));
        a.policyId = policyId;
        vm.assume(a.payoutFraction != 0.25e18 || policyId != keccak256("policy"));
        refusedBatched(
            a,
            batch,
            proof,
            signatures,
            abi.encodeWithSelector(AttestationBatches.NotInBatch.selector, verifier.attestationId(a), batch.root)
        );
    }

    /// One more step up from a known inner node, or one fewer: what a forger would try with a tree of single hashes.
    function test_a_shorter_or_longer_proof_leads_nowhere() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 4, "others");
        bytes memory signatures = signedBatch(batch);
        bytes memory reason =
            abi.encodeWithSelector(AttestationBatches.NotInBatch.selector, verifier.attestationId(a), batch.root);
        bytes32[] memory shorter = new bytes32[](3);
        bytes32[] memory longer = new bytes32[](5);
        for (uint256 i = 0; i < 3; ++i) {
            shorter[i] = proof[i + 1];
        }
        for (uint256 i = 0; i < 4; ++i) {
            longer[i] = proof[i];
        }
        batch.count = 16;
        bytes memory length = abi.encodeWithSelector(AttestationBatches.WrongProofLength.selector, 5, 16);
        refusedBatched(a, batch, longer, signatures, length);
        length = abi.encodeWithSelector(AttestationBatches.WrongProofLength.selector, 3, 16);
        refusedBatched(a, batch, shorter, signatures, length);
        shorter = new bytes32[](4);
        refusedBatched(a, batch, shorter, signatures, reason);
    }

    function test_no_single_bit_of_statement_batch_or_signatures_may_change() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 2, "others");
        bytes memory call = abi.encodeCall(verifier.consumeBatched, (a, batch, proof, signedBatch(batch)));
        // The two structs lie in line, a word for each of their 22 and 4 members; the words behind them only point.
        everyFlipIsRefused(call, 4, 26 * 32);
        // Two offsets and the length of the proof, the proof, the length of the signatures, the signatures of three.
        everyFlipIsRefused(call, 4 + 29 * 32, 2 * 32);
        everyFlipIsRefused(call, 4 + 32 * 32, 32 + 3 * 65);
        vm.assertTrue(callAsConsumer(call), "the untouched call is accepted");
    }

    function testFuzz_no_byte_of_the_proof_may_change(uint256 depth, uint256 place, uint8 value) public {
        ClaimAttestation memory a = sample();
        depth = bound(depth, 1, 17);
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, depth, "others");
        bytes memory call = abi.encodeCall(verifier.consumeBatched, (a, batch, proof, signedBatch(batch)));
        place = bound(place, 4 + 29 * 32, 4 + (29 + depth) * 32 - 1);
        vm.assume(uint8(call[place]) != value);
        call[place] = bytes1(value);
        vm.assertFalse(callAsConsumer(call), "a changed proof was accepted");
    }

    function test_the_batch_is_of_the_attestations_epoch() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        batch.signerEpoch = announce(3, keys);
        bytes memory reason =
            abi.encodeWithSelector(TocsinVerifier.BatchOfOtherEpoch.selector, batch.signerEpoch, a.signerEpoch);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);
    }

    function test_a_batch_is_not_older_than_what_is_in_it_nor_of_the_future() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        batch.issuedAt = a.issuedAt - 1;
        bytes memory reason =
            abi.encodeWithSelector(TocsinVerifier.BatchBeforeAttestation.selector, batch.issuedAt, a.issuedAt);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);
        batch.issuedAt = NOW + 1;
        reason = abi.encodeWithSelector(ClaimLedger.IssuedInFuture.selector, NOW + 1, NOW);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);
        batch.issuedAt = NOW;
        consumeBatched(a, batch, proof);
    }

    function test_statement_and_batch_were_both_issued_within_the_epoch() public {
        ClaimAttestation memory a = sample();
        a.issuedAt = ACTIVE_FROM - 1;
        a.confirmedAt = a.occurredAt = ACTIVE_FROM - 2;
        a.windowStart = ACTIVE_FROM - 3;
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        batch.issuedAt = NOW;
        bytes4 outside = SignerEpochs.IssuedOutsideEpoch.selector;
        bytes memory reason = abi.encodeWithSelector(outside, epoch, a.issuedAt, ACTIVE_FROM, SIGN_UNTIL);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);

        vm.warp(SIGN_UNTIL + 2);
        a = sample();
        a.validUntil = SIGN_UNTIL + 9;
        (batch, proof) = batchOf(a, 3, "others");
        batch.issuedAt = SIGN_UNTIL + 1;
        reason = abi.encodeWithSelector(outside, epoch, batch.issuedAt, ACTIVE_FROM, SIGN_UNTIL);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);
    }

    function test_a_revoked_epochs_batches_are_refused() public {
        ClaimAttestation memory a = sample();
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        vm.prank(GUARDIAN);
        verifier.revokeEpoch(epoch);
        bytes memory reason = abi.encodeWithSelector(SignerEpochs.EpochIsRevoked.selector, epoch);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);
    }

    function test_what_is_refused_alone_is_refused_in_a_batch() public {
        ClaimAttestation memory a = sample();
        a.validAfter = NOW + 1;
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 3, "others");
        bytes memory reason = abi.encodeWithSelector(TocsinVerifier.NotYetValid.selector, NOW + 1, NOW);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);

        a = sample();
        a.payoutFraction = 1e18 + 1;
        (batch, proof) = batchOf(a, 3, "others");
        reason = abi.encodeWithSelector(TocsinVerifier.FractionAboveOne.selector, a.payoutFraction);
        refusedBatched(a, batch, proof, signedBatch(batch), reason);

        a = sample();
        a.verdict = 2;
        a.eventId = 0;
        a.payoutFraction = 0;
        (batch, proof) = batchOf(a, 3, "others");
        bytes memory signatures = signedBatch(batch);
        vm.assertEq(verifier.verifyBatched(a, batch, proof, signatures), verifier.attestationId(a), "verifies");
        vm.prank(CONSUMER);
        vm.expectRevert(abi.encodeWithSelector(TocsinVerifier.NotTriggered.selector, 2));
        verifier.consumeBatched(a, batch, proof, signatures);
    }

    function test_the_cover_pays_a_batched_claim_once() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.25e18);
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 5, "others");
        bytes memory signatures = signedBatch(batch);
        bytes32 key = verifier.claimKeyOf(a);
        vm.expectEmit(address(cover));
        emit ParametricCover.Paid(policyNumber, a.policyId, key, HOLDER, SUM / 4);
        vm.prank(address(0xbabe));
        vm.assertEq(cover.claimBatched(a, batch, proof, signatures), SUM / 4, "amount");
        vm.assertEq(token.balanceOf(HOLDER), SUM / 4, "holder");
        vm.assertEq(cover.policy(policyNumber).escrow, SUM - SUM / 4, "the rest stays in escrow");
        solvent();

        bytes memory reason = abi.encodeWithSelector(ClaimLedger.AlreadyConsumed.selector, key);
        vm.expectRevert(reason);
        cover.claimBatched(a, batch, proof, signatures);
        claimRefused(a, reason);
        vm.assertEq(token.balanceOf(HOLDER), SUM / 4, "paid once");
        solvent();
    }

    function test_the_cover_checks_a_batched_claim_like_any_other() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.25e18);
        a.windowEnd += 1;
        (AttestationBatch memory batch, bytes32[] memory proof) = batchOf(a, 5, "others");
        bytes memory signatures = signedBatch(batch);
        vm.expectPartialRevert(ParametricCover.WrongWindow.selector);
        cover.claimBatched(a, batch, proof, signatures);
        solvent();
    }

    function everyFlipIsRefused(bytes memory call, uint256 from, uint256 length) private {
        for (uint256 bit = from * 8; bit < (from + length) * 8; ++bit) {
            bytes1 mask = bytes1(uint8(1 << bit % 8));
            call[bit / 8] ^= mask;
            vm.assertFalse(callAsConsumer(call), vm.toString(bit));
            call[bit / 8] ^= mask;
        }
    }

    function callAsConsumer(bytes memory call) private returns (bool accepted) {
        vm.prank(CONSUMER);
        (accepted,) = address(verifier).call(call);
    }
}
