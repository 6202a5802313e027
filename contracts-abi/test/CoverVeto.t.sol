// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {ParametricCover} from "../src/ParametricCover.sol";
import {LedgerFixture} from "./support/LedgerFixture.sol";
import {vm} from "./support/Vm.sol";

/// A cover that pays no sooner than a day after it was shown a claim.
contract CoverVetoTest is LedgerFixture {
    uint64 private constant VETO = DAY;

    function veto() internal pure override returns (uint64) {
        return VETO;
    }

    function loss(uint64 fraction) private view returns (ClaimAttestation memory a) {
        a = lossOf(policyNumber, "first", fraction);
        a.validUntil = ACCEPT_UNTIL;
    }

    function test_a_claim_is_presented_and_paid_after_the_veto() public {
        ClaimAttestation memory a = loss(0.25e18);
        bytes memory signatures = signed(a);
        claimRefused(a, abi.encodeWithSelector(ParametricCover.NotPresented.selector, keyOf(a)));
        vm.expectEmit(address(cover));
        emit ParametricCover.Presented(policyNumber, a.policyId, keyOf(a), 0.25e18, NOW + VETO);
        cover.present(a, signatures);
        vm.assertEq(cover.payableFromOf(a), NOW + VETO, "read back");
        vm.warp(NOW + VETO - 1);
        claimRefused(a, abi.encodeWithSelector(ParametricCover.VetoOpen.selector, keyOf(a), NOW + VETO));
        vm.warp(NOW + VETO);
        vm.assertEq(claim(a), SUM / 4, "paid");
        solvent();
    }

    function test_in_a_batch_as_alone() public {
        ClaimAttestation memory a = loss(0.25e18);
        AttestationBatchOf memory b = batched(a);
        cover.presentBatched(a, b.batch, b.proof, b.signatures);
        vm.warp(NOW + VETO);
        vm.assertEq(cover.claimBatched(a, b.batch, b.proof, b.signatures), SUM / 4, "paid");
    }

    /// A quorum of thieves writes what times it likes; the guardian still sees the claim before it is paid.
    function test_whatever_the_quorum_says_the_guardian_can_hold_what_was_presented() public {
        ClaimAttestation memory a = loss(1e18);
        (a.issuedAt, a.validAfter) = (NOW, 0);
        cover.present(a, signed(a));
        hold(keyOf(a));
        vm.warp(NOW + VETO);
        claimRefused(a, heldError(keyOf(a), 1));
    }

    function test_what_is_to_pay_something_else_waits_anew() public {
        ClaimAttestation memory a = loss(0.1e18);
        cover.present(a, signed(a));
        vm.warp(NOW + VETO);
        a.payoutFraction = 1e18;
        claimRefused(a, abi.encodeWithSelector(ParametricCover.NotPresented.selector, keyOf(a)));
    }

    function test_a_claim_that_is_stated_anew_does_not_wait_again() public {
        ClaimAttestation memory a = loss(0.25e18);
        cover.present(a, signed(a));
        vm.prank(GUARDIAN);
        verifier.revokeEpoch(epoch);
        a.signerEpoch = epoch = announce(3, keys);
        a.issuedAt = NOW;
        vm.warp(NOW + VETO);
        vm.assertEq(claim(a), SUM / 4, "paid");
    }

    /// Presented in the settlement's last second: the escrow stays until it can be paid.
    function test_the_escrow_of_what_is_presented_stays() public {
        uint64 last = EXPIRY + SETTLEMENT;
        vm.prank(OWNER);
        epoch = verifier.announceEpoch(0, type(uint64).max, type(uint64).max, 3, addresses(keys), 0);
        ClaimAttestation memory a = loss(1e18);
        a.validUntil = type(uint64).max;
        vm.warp(last);
        cover.present(a, signed(a));
        vm.warp(last + 1);
        uint64 until = last + SETTLEMENT - CLAIM_DEADLINE;
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.NotReleasable.selector, until, last + 1));
        cover.release(policyNumber);
        vm.warp(last + VETO);
        vm.assertEq(claim(a), SUM, "paid");
    }

    /// Or whoever presents again keeps the escrow for ever.
    function test_once_and_not_after_it_was_paid() public {
        ClaimAttestation memory a = loss(0.25e18);
        cover.present(a, signed(a));
        presentRefused(a, abi.encodeWithSelector(ParametricCover.AlreadyPresented.selector, keyOf(a), NOW + VETO));
        vm.warp(NOW + VETO);
        claim(a);
        a.payoutFraction = 1e18;
        presentRefused(a, abi.encodeWithSelector(ParametricCover.AlreadyConsumed.selector, keyOf(a)));
    }

    function test_what_could_not_be_paid_is_not_presented() public {
        ClaimAttestation memory a = loss(1e18);
        a.consumer = CONSUMER;
        presentRefused(a, abi.encodeWithSelector(ParametricCover.NotForThisCover.selector, CONSUMER));
        a = loss(1e18);
        a.windowEnd += 1;
        presentRefused(
            a,
            abi.encodeWithSelector(
                ParametricCover.WrongWindow.selector, a.windowStart, EXPIRY + 1, INCEPTION + WAITING, EXPIRY
            )
        );
        a = loss(0);
        (a.verdict, a.eventId) = (2, 0);
        presentRefused(a, abi.encodeWithSelector(ParametricCover.NothingToPay.selector, 2));
        a = loss(1e18);
        hold(keyOf(a));
        presentRefused(a, heldError(keyOf(a), 1));
    }

    function test_a_thief_presents_nothing() public {
        ClaimAttestation memory a = loss(1e18);
        bytes memory forged = signedBy(loss(0.5e18), keys, 0x15);
        vm.expectPartialRevert(bytes4(keccak256("WrongSigner(uint256,address,address)")));
        cover.present(a, forged);
    }

    function test_the_settlement_has_room_for_the_veto() public {
        ParametricCover.Config memory c = config();
        vm.assertEq(cover.payableInTime(), 9 * uint256(c.dailyCap), "the days after deadline and veto");
        c.settlementSeconds = CLAIM_DEADLINE + VETO - 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                ParametricCover.SettlementBeforeClaimDeadline.selector, c.settlementSeconds, CLAIM_DEADLINE + VETO
            )
        );
        new ParametricCover(c);
    }

    function presentRefused(ClaimAttestation memory a, bytes memory reason) private {
        bytes memory signatures = signed(a);
        uint64 stayed = cover.policy(policyNumber).stayedUntil;
        vm.expectRevert(reason);
        cover.present(a, signatures);
        vm.assertEq(cover.policy(policyNumber).stayedUntil, stayed, "a refusal kept the escrow");
    }
}
