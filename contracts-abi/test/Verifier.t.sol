// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimLedger} from "../src/ClaimLedger.sol";
import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {ITocsinVerifier} from "../src/ITocsinVerifier.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// What a statement must say to be accepted, and when.
contract VerifierTest is Fixture {
    function test_accepts_a_claim_and_remembers_it() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        bytes32 id = verifier.attestationId(a);
        bytes32 key = keccak256(abi.encode(a.consumer, a.policyId, a.termsHash, a.eventId));
        vm.assertEq(verifier.verify(a, signatures), id, "verify returns the attestation id");
        vm.assertFalse(verifier.consumed(key), "verify consumes nothing");

        vm.expectEmit(address(verifier));
        emit ITocsinVerifier.Consumed(key, id, CONSUMER, a.policyId, a.payoutFraction);
        vm.assertEq(consume(a, signatures), key, "consume returns the claim key");
        vm.assertTrue(verifier.consumed(key), "consumed");
        vm.assertEq(verifier.verify(a, signatures), id, "it still is a genuine statement");
    }

    function test_only_the_consumer_may_consume() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        vm.expectRevert(abi.encodeWithSelector(TocsinVerifier.NotConsumer.selector, address(this), CONSUMER));
        verifier.consume(a, signatures);
    }

    function testFuzz_verdicts_other_than_triggered_never_consume(uint8 verdict) public {
        vm.assume(verdict != 1);
        ClaimAttestation memory a = sample();
        a.verdict = verdict;
        bool known = verdict == 2 || verdict == 3;
        if (known) {
            a.eventId = 0;
            a.payoutFraction = 0;
            vm.assertEq(verifier.verify(a, signed(a)), verifier.attestationId(a), "a negative statement verifies");
        }
        bytes4 reason = known ? TocsinVerifier.NotTriggered.selector : TocsinVerifier.InvalidVerdict.selector;
        bytes memory signatures = signed(a);
        vm.prank(CONSUMER);
        vm.expectRevert(abi.encodeWithSelector(reason, verdict));
        verifier.consume(a, signatures);
    }

    function test_a_negative_statement_carries_no_payout() public {
        for (uint8 verdict = 2; verdict <= 3; ++verdict) {
            ClaimAttestation memory a = sample();
            a.verdict = verdict;
            bytes4 reason = TocsinVerifier.PayoutWithoutTrigger.selector;
            refused(a, signed(a), abi.encodeWithSelector(reason, verdict, a.eventId, a.payoutFraction));
            a.eventId = 0;
            refused(a, signed(a), abi.encodeWithSelector(reason, verdict, bytes32(0), a.payoutFraction));
        }
    }

    function test_a_claim_names_its_event() public {
        ClaimAttestation memory a = sample();
        a.eventId = 0;
        refused(a, signed(a), abi.encodeWithSelector(TocsinVerifier.MissingEventId.selector));
    }

    function testFuzz_fraction_is_at_most_one(uint64 fraction) public {
        ClaimAttestation memory a = sample();
        a.payoutFraction = fraction;
        if (fraction <= 1e18) consume(a, signed(a));
        else refused(a, signed(a), abi.encodeWithSelector(TocsinVerifier.FractionAboveOne.selector, fraction));
    }

    function testFuzz_the_loss_lies_in_the_window(uint64 occurredAt, uint64 start, uint64 end) public {
        ClaimAttestation memory a = sample();
        a.occurredAt = uint64(bound(occurredAt, 0, a.confirmedAt));
        a.windowStart = start = uint64(bound(start, 0, NOW));
        a.windowEnd = end = uint64(bound(end, 0, NOW));
        if (start <= a.occurredAt && a.occurredAt < end) {
            consume(a, signed(a));
        } else {
            bytes4 reason = TocsinVerifier.LossOutsideWindow.selector;
            refused(a, signed(a), abi.encodeWithSelector(reason, a.occurredAt, start, end));
        }
    }

    function test_window_is_half_open() public {
        ClaimAttestation memory a = sample();
        a.windowStart = a.occurredAt;
        a.windowEnd = a.occurredAt + 1;
        consume(a, signed(a));

        a = sample();
        a.eventId = keccak256("next");
        a.windowEnd = a.occurredAt;
        refused(
            a,
            signed(a),
            abi.encodeWithSelector(TocsinVerifier.LossOutsideWindow.selector, a.occurredAt, a.windowStart, a.windowEnd)
        );
    }

    function test_a_loss_may_be_confirmed_after_the_window() public {
        ClaimAttestation memory a = sample();
        a.windowEnd = a.occurredAt + 1;
        vm.assertTrue(a.confirmedAt > a.windowEnd, "sample");
        consume(a, signed(a));
    }

    function test_occurred_then_confirmed_then_issued() public {
        ClaimAttestation memory a = sample();
        a.confirmedAt = a.occurredAt - 1;
        bytes4 reason = TocsinVerifier.TimesOutOfOrder.selector;
        refused(a, signed(a), abi.encodeWithSelector(reason, a.occurredAt, a.confirmedAt, a.issuedAt));
        a.confirmedAt = a.issuedAt + 1;
        refused(a, signed(a), abi.encodeWithSelector(reason, a.occurredAt, a.confirmedAt, a.issuedAt));
        a.confirmedAt = a.issuedAt;
        a.occurredAt = a.issuedAt;
        consume(a, signed(a));
    }

    function test_not_before_it_was_issued() public {
        ClaimAttestation memory a = sample();
        a.issuedAt = NOW + 1;
        refused(a, signed(a), abi.encodeWithSelector(ClaimLedger.IssuedInFuture.selector, NOW + 1, NOW));
        vm.warp(NOW + 1);
        consume(a, signed(a));
    }

    function test_not_during_the_hold() public {
        ClaimAttestation memory a = sample();
        a.validAfter = NOW + 1;
        refused(a, signed(a), abi.encodeWithSelector(TocsinVerifier.NotYetValid.selector, NOW + 1, NOW));
        vm.warp(NOW + 1);
        consume(a, signed(a));
    }

    function test_not_after_it_expired() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        vm.warp(a.validUntil + 1);
        bytes4 reason = TocsinVerifier.NoLongerValid.selector;
        refused(a, signatures, abi.encodeWithSelector(reason, a.validUntil, a.validUntil + 1));
        vm.warp(a.validUntil);
        consume(a, signatures);
    }

    /// The digest is made of checked values: a word with bits above its member's width is no statement at all.
    function test_dirty_bits_have_no_identity() public view {
        bytes memory call = abi.encodeCall(verifier.attestationId, (sample()));
        uint16[22] memory bits =
            [uint16(256), 256, 256, 160, 8, 64, 256, 64, 64, 64, 64, 64, 64, 256, 256, 32, 64, 64, 64, 32, 32, 256];
        for (uint256 member = 0; member < bits.length; ++member) {
            for (uint256 bit = bits[member]; bit < 256; ++bit) {
                uint256 place = 4 + member * 32 + 31 - bit / 8;
                bytes1 mask = bytes1(uint8(1 << bit % 8));
                call[place] ^= mask;
                (bool answered,) = address(verifier).staticcall(call);
                vm.assertFalse(answered, vm.toString(member));
                call[place] ^= mask;
            }
        }
        (bool clean,) = address(verifier).staticcall(call);
        vm.assertTrue(clean, "the clean statement has one");
    }
}
