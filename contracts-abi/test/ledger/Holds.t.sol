// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {ClaimLedger} from "../../src/ClaimLedger.sol";
import {HoldRelease} from "../../src/HoldRelease.sol";
import {IClaimLedger} from "../../src/IClaimLedger.sol";
import {SignerEpochs} from "../../src/SignerEpochs.sol";
import {LedgerFixture} from "../support/LedgerFixture.sol";
import {vm} from "../support/Vm.sol";

/// The guardian stops a claim; only a quorum lets it go on.
contract HoldsTest is LedgerFixture {
    ClaimAttestation private a;
    bytes32 private key;

    function setUp() public override {
        super.setUp();
        a = sample();
        key = keyOf(a);
    }

    function test_a_held_claim_is_accepted_nowhere() public {
        vm.expectEmit(address(verifier));
        emit IClaimLedger.ClaimHeld(key, 1, GUARDIAN);
        vm.assertEq(hold(key), 1, "the first hold");
        refusedEverywhere(a, heldError(key, 1));

        IClaimLedger.ClaimStatus memory status = verifier.claimStatus(key);
        vm.assertTrue(status.held && !status.consumed, "held, not consumed");
        vm.assertEq(status.holds, 1, "holds");
        vm.assertEq(status.heldAt, NOW, "heldAt");
    }

    function test_a_hold_stops_no_other_claim() public {
        hold(key);
        a.eventId = keccak256("another");
        consume(a, signed(a));
    }

    function test_a_quorum_ends_it_and_the_claim_is_good_again() public {
        hold(key);
        vm.warp(NOW + 10);
        HoldRelease memory r = releaseOf(key, 1);
        bytes memory signatures = signedRelease(r);
        bytes32 id = verifier.holdReleaseId(r);
        vm.expectEmit(address(verifier));
        emit IClaimLedger.ClaimReleased(key, id, 1);
        verifier.releaseClaim(r, signatures);
        consume(a, signed(a));
    }

    function test_only_the_guardian_holds() public {
        address[3] memory others = [OWNER, CONSUMER, address(this)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(SignerEpochs.NotGuardian.selector, others[i]));
            verifier.holdClaim(key);
        }
    }

    function test_neither_guardian_nor_owner_ends_a_hold() public {
        hold(key);
        HoldRelease memory r = releaseOf(key, 1);
        bytes memory unsigned = abi.encode(uint256(0));
        address[2] memory powers = [GUARDIAN, OWNER];
        for (uint256 i = 0; i < powers.length; ++i) {
            vm.prank(powers[i]);
            releaseRefused(r, unsigned, abi.encodeWithSignature("WrongSignerCount(uint256,uint256)", 0, 3));
        }
    }

    function test_a_held_claim_is_not_held_again() public {
        hold(key);
        vm.prank(GUARDIAN);
        vm.expectRevert(heldError(key, 1));
        verifier.holdClaim(key);
    }

    function test_a_consumed_claim_cannot_be_held() public {
        consume(a, signed(a));
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(ClaimLedger.AlreadyConsumed.selector, key));
        verifier.holdClaim(key);
    }

    function test_a_release_is_of_one_hold() public {
        hold(key);
        HoldRelease memory first = releaseOf(key, 1);
        bytes memory signatures = signedRelease(first);
        verifier.releaseClaim(first, signatures);
        releaseRefused(first, signatures, notTheHold(1, 0));

        revoke(key, 1);
        a = corrected(a, 1);
        vm.assertEq(hold(key), 2, "the second hold");
        releaseRefused(first, signatures, notTheHold(1, 2));
        refusedEverywhere(a, heldError(key, 2));
        HoldRelease memory ahead = releaseOf(key, 3);
        releaseRefused(ahead, signedRelease(ahead), notTheHold(3, 2));
        release(key, 2);
        consume(a, signed(a));
    }

    /// One guardian must not be able to keep back what a quorum lets go on.
    function test_what_a_quorum_released_is_not_held_again() public {
        hold(key);
        release(key, 1);
        vm.assertTrue(verifier.claimStatus(key).resolved, "resolved");
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(ClaimLedger.AlreadyResolved.selector, key, 1));
        verifier.holdClaim(key);
        consume(a, signed(a));
    }

    /// The corrected statement is another, which nobody has looked at yet.
    function test_after_a_revocation_it_can_be_held_once_more() public {
        hold(key);
        release(key, 1);
        revoke(key, 1);
        vm.assertFalse(verifier.claimStatus(key).resolved, "not resolved any more");
        hold(key);
        a = corrected(a, 1);
        refusedEverywhere(a, heldError(key, 2));
        release(key, 2);
        consume(a, signed(a));
    }

    /// Attestors' clocks and the chain's need not agree; that a quorum saw the hold is told by its ordinal.
    function test_a_release_may_be_dated_before_the_hold() public {
        hold(key);
        HoldRelease memory r = releaseOf(key, 1);
        r.issuedAt = NOW - DAY;
        verifier.releaseClaim(r, signedRelease(r));
        consume(a, signed(a));
    }

    function test_a_release_from_the_future_waits() public {
        hold(key);
        HoldRelease memory r = releaseOf(key, 1);
        r.issuedAt = NOW + 1;
        bytes memory signatures = signedRelease(r);
        releaseRefused(r, signatures, abi.encodeWithSelector(ClaimLedger.IssuedInFuture.selector, NOW + 1, NOW));
        vm.warp(NOW + 1);
        verifier.releaseClaim(r, signatures);
    }

    function test_a_revoked_epoch_releases_nothing() public {
        hold(key);
        HoldRelease memory r = releaseOf(key, 1);
        bytes memory signatures = signedRelease(r);
        vm.prank(GUARDIAN);
        verifier.revokeEpoch(epoch);
        releaseRefused(r, signatures, abi.encodeWithSelector(SignerEpochs.EpochIsRevoked.selector, epoch));
    }

    function test_a_new_guardian_holds_and_the_old_one_does_not() public {
        vm.prank(OWNER);
        verifier.setGuardian(address(this));
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(SignerEpochs.NotGuardian.selector, GUARDIAN));
        verifier.holdClaim(key);
        verifier.holdClaim(key);
        vm.assertTrue(verifier.claimStatus(key).held, "held");
    }

    /// Whatever happens to a record, it remembers the rest of itself.
    function testFuzz_a_record_keeps_what_it_is_not_told(uint32 first, uint32 second, uint64 wait) public {
        first = uint32(bound(first, 1, type(uint32).max - 1));
        second = uint32(bound(second, first + 1, type(uint32).max));
        wait = uint64(bound(wait, 1, DAY));
        revoke(key, first);
        hold(key);
        recordIs(true, first, 1, NOW, false);
        vm.warp(NOW + wait);
        release(key, 1);
        recordIs(false, first, 1, NOW, true);
        revoke(key, second);
        recordIs(false, second, 1, NOW, false);
        hold(key);
        recordIs(true, second, 2, NOW + wait, false);
    }

    function recordIs(bool held, uint32 minRevision, uint32 holds, uint64 heldAt, bool resolved) private view {
        IClaimLedger.ClaimStatus memory expected =
            IClaimLedger.ClaimStatus(false, held, minRevision, holds, heldAt, resolved);
        vm.assertEq(keccak256(abi.encode(verifier.claimStatus(key))), keccak256(abi.encode(expected)), "record");
    }

    function notTheHold(uint32 given, uint32 current) private view returns (bytes memory) {
        return abi.encodeWithSelector(ClaimLedger.NotTheHold.selector, key, given, current);
    }
}
