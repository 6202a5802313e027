// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimLedger} from "../src/ClaimLedger.sol";
import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {HoldRelease} from "../src/HoldRelease.sol";
import {ParametricCover} from "../src/ParametricCover.sol";
import {QuorumSignatures} from "../src/QuorumSignatures.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {CoverFixture} from "./support/CoverFixture.sol";
import {vm} from "./support/Vm.sol";

/// What a claim pays, and what refuses it.
contract CoverClaimTest is CoverFixture {
    function test_anybody_files_and_the_holder_is_paid() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.25e18);
        bytes32 key = verifier.claimKeyOf(a);
        bytes memory signatures = signed(a);
        vm.expectEmit(address(cover));
        emit ParametricCover.Paid(policyNumber, a.policyId, key, HOLDER, SUM / 4);
        vm.prank(address(0xbabe));
        vm.assertEq(cover.claim(a, signatures), SUM / 4, "amount");

        vm.assertEq(token.balanceOf(HOLDER), SUM / 4, "holder");
        vm.assertEq(cover.escrowed(), SUM - SUM / 4, "the rest stays in escrow");
        vm.assertEq(cover.policy(policyNumber).escrow, SUM - SUM / 4, "of this policy");
        vm.assertTrue(verifier.consumed(key), "consumed");
        solvent();
    }

    function testFuzz_amount_is_rounded_down(uint256 sum, uint64 fraction) public {
        sum = bound(sum, 1, cover.policyCap());
        fraction = uint64(bound(fraction, 0, 1e18));
        vm.warp(INCEPTION);
        uint256 id = buy(HOLDER, sum, INCEPTION, EXPIRY);
        vm.warp(NOW);
        vm.assertEq(claim(lossOf(id, "first", fraction)), sum * fraction / 1e18, "amount");
        solvent();
    }

    function test_not_twice() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.25e18);
        claim(a);
        bytes memory reason = abi.encodeWithSelector(ClaimLedger.AlreadyConsumed.selector, verifier.claimKeyOf(a));
        claimRefused(a, reason);
        a.revision = 1;
        a.supersedes = keccak256("the first");
        a.payoutFraction = 1e18;
        claimRefused(a, reason);
        vm.assertEq(token.balanceOf(HOLDER), SUM / 4, "paid once");
    }

    function test_zero_payout_consumes_the_event() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0);
        vm.assertEq(claim(a), 0, "amount");
        a.payoutFraction = 1e18;
        claimRefused(a, abi.encodeWithSelector(ClaimLedger.AlreadyConsumed.selector, verifier.claimKeyOf(a)));
    }

    function test_several_events_pay_at_most_the_sum_insured() public {
        vm.assertEq(claim(lossOf(policyNumber, "first", 0.7e18)), SUM * 7 / 10, "first");
        vm.assertEq(claim(lossOf(policyNumber, "second", 0.7e18)), SUM * 3 / 10, "what is left");
        claimRefused(
            lossOf(policyNumber, "third", 0.1e18),
            abi.encodeWithSelector(ParametricCover.PolicyPaidInFull.selector, policyNumber)
        );
        vm.assertEq(token.balanceOf(HOLDER), SUM, "in all");
    }

    function test_only_triggered_pays() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0);
        a.eventId = 0;
        for (uint8 verdict = 2; verdict <= 3; ++verdict) {
            a.verdict = verdict;
            claimRefused(a, abi.encodeWithSelector(TocsinVerifier.NotTriggered.selector, verdict));
        }
    }

    function test_wrong_terms() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        a.termsHash = keccak256("other terms");
        claimRefused(a, abi.encodeWithSelector(ParametricCover.WrongTerms.selector, a.termsHash, TERMS));
    }

    function test_unknown_policy_and_policy_of_another_cover() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        a.policyId = cover.policyIdOf(policyNumber + 1);
        claimRefused(a, abi.encodeWithSelector(ParametricCover.UnknownPolicy.selector, a.policyId));
        a.policyId = keccak256(abi.encode(block.chainid, address(verifier), policyNumber));
        claimRefused(a, abi.encodeWithSelector(ParametricCover.UnknownPolicy.selector, a.policyId));
    }

    function test_a_claim_does_not_pay_another_policy() public {
        vm.warp(INCEPTION);
        uint256 other = buy(address(0x2222), SUM, INCEPTION, EXPIRY);
        vm.warp(NOW);
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        bytes memory signatures = signed(a);
        a.policyId = cover.policyIdOf(other);
        vm.expectPartialRevert(QuorumSignatures.WrongSigner.selector);
        cover.claim(a, signatures);
    }

    function test_a_claim_for_another_consumer() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        a.consumer = CONSUMER;
        claimRefused(a, abi.encodeWithSelector(TocsinVerifier.NotConsumer.selector, address(cover), CONSUMER));
    }

    function test_the_window_is_the_policys() public {
        uint64 start = INCEPTION + WAITING;
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        bytes4 reason = ParametricCover.WrongWindow.selector;
        a.windowStart = start - 1;
        claimRefused(a, abi.encodeWithSelector(reason, start - 1, EXPIRY, start, EXPIRY));
        a.windowStart = start;
        a.windowEnd = EXPIRY + 1;
        claimRefused(a, abi.encodeWithSelector(reason, start, EXPIRY + 1, start, EXPIRY));
    }

    function test_a_loss_during_the_waiting_period() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        a.occurredAt = a.windowStart - 1;
        bytes4 reason = TocsinVerifier.LossOutsideWindow.selector;
        claimRefused(a, abi.encodeWithSelector(reason, a.occurredAt, a.windowStart, a.windowEnd));
    }

    /// A claim that was attested in time is the same claim when its epoch is gone and another states it, however late.
    function test_a_claim_that_is_stated_anew_is_paid_whenever_it_comes() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        vm.prank(GUARDIAN);
        verifier.revokeEpoch(epoch);
        vm.warp(a.confirmedAt + CLAIM_DEADLINE + 5 days);
        a.issuedAt = a.validAfter = uint64(block.timestamp);
        a.validUntil = type(uint64).max;
        vm.prank(OWNER);
        epoch = a.signerEpoch =
            verifier.announceEpoch(a.issuedAt, type(uint64).max, type(uint64).max, 3, addresses(keys), 0);
        vm.assertEq(claim(a), SUM, "paid under the next epoch");
    }

    function test_daily_cap_holds_a_claim_over_to_the_next_day() public {
        vm.warp(INCEPTION);
        uint256 second = buy(HOLDER, 20_000e6, INCEPTION, EXPIRY);
        uint256 third = buy(HOLDER, 1, INCEPTION, EXPIRY);
        vm.warp(NOW);
        claim(lossOf(policyNumber, "storm", 1e18));
        claim(lossOf(second, "storm", 1e18));
        vm.assertEq(cover.paidOn(NOW / 1 days), cover.dailyCap(), "the day is full");

        ClaimAttestation memory a = lossOf(third, "storm", 1e18);
        claimRefused(a, abi.encodeWithSelector(ParametricCover.DailyCapReached.selector, 1, 0));
        vm.warp((NOW / 1 days + 1) * 1 days);
        vm.assertEq(claim(a), 1, "the next day");
        vm.assertEq(cover.paidOn(NOW / 1 days + 1), 1, "counted on its day");
    }

    function test_a_released_policy_pays_nothing() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        uint64 releasable = EXPIRY + SETTLEMENT;
        (a.confirmedAt, a.issuedAt) = (releasable - DAY, releasable - DAY);
        a.validUntil = type(uint64).max;
        vm.warp(releasable - DAY);
        vm.prank(OWNER);
        a.signerEpoch = verifier.announceEpoch(0, type(uint64).max, type(uint64).max, 3, addresses(keys), 0);

        vm.warp(releasable);
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.NotReleasable.selector, releasable, releasable));
        cover.release(policyNumber);

        vm.warp(releasable + 1);
        uint256 before = cover.capital();
        bytes32 policyId = cover.policyIdOf(policyNumber);
        vm.expectEmit(address(cover));
        emit ParametricCover.Released(policyNumber, policyId, SUM);
        vm.assertEq(cover.release(policyNumber), SUM, "released");
        vm.assertEq(cover.capital(), before + SUM, "back to the underwriter");
        vm.assertEq(cover.escrowed(), 0, "nothing is locked");
        bytes memory reason = abi.encodeWithSelector(ParametricCover.PolicyReleased.selector, policyNumber);
        claimRefused(a, reason);
        vm.expectRevert(reason);
        cover.release(policyNumber);
    }

    function test_a_loss_confirmed_after_expiry_pays_until_release() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        (a.occurredAt, a.confirmedAt, a.issuedAt) = (EXPIRY - 1, EXPIRY + DAY, EXPIRY + DAY);
        a.validUntil = EXPIRY + 2 * DAY;
        vm.warp(EXPIRY + 2 * DAY);
        vm.assertEq(claim(a), SUM, "paid");
    }

    function testFuzz_no_byte_of_a_claim_may_change(uint256 place, uint8 value) public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.25e18);
        bytes memory call = abi.encodeCall(cover.claim, (a, signed(a)));
        place = bound(place, 4, 4 + 22 * 32 - 1);
        vm.assume(uint8(call[place]) != value);
        call[place] = bytes1(value);
        (bool accepted,) = address(cover).call(call);
        vm.assertFalse(accepted, "a changed claim was accepted");
    }

    /// Guardian and underwriter together must not be able to take what a quorum says is a holder's.
    function test_the_escrow_of_a_held_claim_stays_until_a_quorum_has_looked() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 1e18);
        a.validUntil = type(uint64).max;
        vm.prank(OWNER);
        epoch = a.signerEpoch = verifier.announceEpoch(0, type(uint64).max, type(uint64).max, 3, addresses(keys), 0);
        bytes32 key = verifier.claimKeyOf(a);
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.ClaimNotHeld.selector, key));
        cover.stay(a.policyId, a.eventId);

        vm.prank(GUARDIAN);
        verifier.holdClaim(key);
        uint256 due = EXPIRY + SETTLEMENT - (SETTLEMENT - CLAIM_DEADLINE) / 2;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.StaysLongEnough.selector, policyNumber, due));
        cover.stay(a.policyId, a.eventId);
        vm.warp(EXPIRY + SETTLEMENT);
        uint64 until = cover.stay(a.policyId, a.eventId);
        vm.assertEq(until, EXPIRY + SETTLEMENT + SETTLEMENT - CLAIM_DEADLINE, "days to be paid in");
        vm.warp(until);
        bytes4 reason = ParametricCover.NotReleasable.selector;
        vm.expectRevert(abi.encodeWithSelector(reason, until, until));
        cover.release(policyNumber);

        HoldRelease memory r = HoldRelease({claimKey: key, hold: 1, issuedAt: until, signerEpoch: epoch});
        verifier.releaseClaim(r, pack(verifier.holdReleaseId(r), keys, 0x15));
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.ClaimNotHeld.selector, key));
        cover.stay(a.policyId, a.eventId);
        vm.assertEq(claim(a), SUM, "paid");
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.PolicyPaidInFull.selector, policyNumber));
        cover.stay(a.policyId, a.eventId);
        vm.warp(until + 1);
        cover.release(policyNumber);
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.PolicyReleased.selector, policyNumber));
        cover.stay(a.policyId, a.eventId);
    }
}
