// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {Y2kCondition} from "../../src/adapters/Y2kCondition.sol";
import {AdapterFixture} from "../support/AdapterFixture.sol";
import {vm} from "../support/Vm.sol";

interface IConditionProvider {
    function conditionMet(uint256 strike, uint256 marketId) external view returns (bool, int256 price);
}

/// What Y2K's generic controller does before it liquidates, re-created by interface.
contract MiniController {
    error EpochNotStarted();
    error EpochExpired();
    error EpochFinishedAlready();
    error ConditionNotMet();

    IConditionProvider public immutable provider;
    uint256 public immutable strike;
    uint256 public immutable marketId;
    mapping(uint256 epochId => bool) public resolved;

    constructor(IConditionProvider provider_, uint256 strike_, uint256 marketId_) {
        (provider, strike, marketId) = (provider_, strike_, marketId_);
    }

    function triggerLiquidation(uint40 begin, uint40 end) external returns (int256 price) {
        uint256 epochId = uint256(keccak256(abi.encodePacked(marketId, begin, end)));
        if (resolved[epochId]) revert EpochFinishedAlready();
        if (begin > block.timestamp) revert EpochNotStarted();
        if (block.timestamp > end) revert EpochExpired();
        bool met;
        (met, price) = provider.conditionMet(strike, marketId);
        if (!met) revert ConditionNotMet();
        resolved[epochId] = true;
    }
}

/// A claim liquidates its own epoch of its own market.
contract Y2kTest is AdapterFixture {
    address private constant VAULT = address(0x7a017);
    uint256 private constant STRIKE = 0.99e18;
    uint256 private constant MARKET = uint256(keccak256("USDC at 0.99"));
    uint40 private constant BEGIN = uint40(NOW - 10 * DAY);
    uint40 private constant END = uint40(NOW + 10 * DAY);

    Y2kCondition private condition;
    MiniController private controller;

    function setUp() public override {
        super.setUp();
        condition = new Y2kCondition(verifier, TERMS, VAULT, MARKET, 2, 0.25e18);
        controller = new MiniController(IConditionProvider(address(condition)), STRIKE, MARKET);
    }

    function test_keeps_the_rules() public {
        keepsTheRules(condition, depeg(BEGIN, END));
    }

    function test_a_claim_liquidates_its_epoch() public {
        notMet();
        file(condition, depeg(BEGIN, END));
        vm.assertEq(uint256(controller.triggerLiquidation(BEGIN, END)), 0.88e18, "the value that was attested");
        vm.assertEq(uint256(condition.getLatestPrice()), 0.88e18, "latest price");
        (uint80 round, int256 value,, uint256 updatedAt, uint80 answeredIn) = condition.latestRoundData();
        vm.assertTrue(round == 1 && value == 0.88e18 && answeredIn == 1, "round");
        vm.assertEq(updatedAt, NOW - 2 * DAY, "when it was confirmed");
    }

    function test_the_next_epoch_is_another_policy() public {
        file(condition, depeg(BEGIN, END));
        vm.warp(END + 1);
        vm.expectRevert(abi.encodeWithSelector(MiniController.ConditionNotMet.selector));
        controller.triggerLiquidation(END + 1, END + uint40(10 * DAY));
    }

    function test_a_late_claim_of_an_old_epoch_does_not_hide_a_new_one() public {
        ClaimAttestation memory old = depeg(BEGIN, BEGIN + uint40(8 * DAY));
        ClaimAttestation memory current = depeg(BEGIN + uint40(5 * DAY), END);
        current.occurredAt = NOW - DAY * 3;
        file(condition, current);
        file(condition, old);
        vm.assertTrue(verifier.consumed(keyOf(old)), "consumed");
        controller.triggerLiquidation(BEGIN + uint40(5 * DAY), END);
    }

    function test_a_policy_that_is_no_epoch_is_refused() public {
        ClaimAttestation memory a = depeg(BEGIN, END);
        a.windowEnd += 1;
        filingRefused(condition, a, notAnEpoch(a));
        a = depeg(BEGIN, END);
        a.policyId = keccak256("another");
        filingRefused(condition, a, notAnEpoch(a));
        a = depeg(BEGIN, END);
        a.windowEnd = uint64(1 << 40) + END;
        filingRefused(condition, a, notAnEpoch(a));
    }

    function test_the_value_has_to_be_beyond_the_strike() public {
        ClaimAttestation memory a = depeg(BEGIN, END);
        a.measuredValue = int256(STRIKE);
        file(condition, a);
        notMet();

        Y2kCondition above = new Y2kCondition(verifier, TERMS, VAULT, MARKET, 1, 0.25e18);
        a = depeg(BEGIN, END);
        a.consumer = address(above);
        file(above, a);
        (bool met,) = above.conditionMet(0.8e18, MARKET);
        vm.assertTrue(met, "above");
        (met,) = above.conditionMet(0.88e18, MARKET);
        vm.assertFalse(met, "not above");
    }

    /// Zero stands for text and for what was not known.
    function test_what_is_no_price_is_refused() public {
        int256[3] memory none = [int256(0), -1, type(int256).min];
        for (uint256 i = 0; i < none.length; ++i) {
            ClaimAttestation memory a = depeg(BEGIN, END);
            a.measuredValue = none[i];
            filingRefused(condition, a, abi.encodeWithSelector(Y2kCondition.NoPrice.selector, none[i]));
        }
    }

    function test_a_small_loss_does_not_pay_everything() public {
        ClaimAttestation memory a = depeg(BEGIN, END);
        a.payoutFraction = 0.25e18 - 1;
        filingRefused(
            condition, a, abi.encodeWithSelector(Y2kCondition.FractionTooSmall.selector, 0.25e18 - 1, 0.25e18)
        );
        vm.expectRevert(abi.encodeWithSelector(Y2kCondition.BadLeastFraction.selector, 0));
        new Y2kCondition(verifier, TERMS, VAULT, MARKET, 2, 0);
    }

    /// Epochs that abut share a second, which is the next one's.
    function test_the_next_epoch_is_not_paid_in_the_second_in_which_it_begins() public {
        file(condition, depeg(BEGIN, END));
        vm.warp(END - 1);
        (bool met,) = condition.conditionMet(STRIKE, MARKET);
        vm.assertTrue(met, "its own epoch's last second");
        vm.warp(END);
        vm.expectRevert(abi.encodeWithSelector(MiniController.ConditionNotMet.selector));
        controller.triggerLiquidation(END, END + uint40(10 * DAY));
    }

    function test_a_second_event_does_not_take_the_condition_back() public {
        file(condition, depeg(BEGIN, END));
        ClaimAttestation memory second = depeg(BEGIN, END);
        second.eventId = keccak256("second");
        second.measuredValue = int256(STRIKE);
        file(condition, second);
        controller.triggerLiquidation(BEGIN, END);
    }

    function test_another_market_and_a_lone_no() public {
        vm.expectRevert(abi.encodeWithSelector(Y2kCondition.OtherMarket.selector, MARKET + 1));
        condition.conditionMet(STRIKE, MARKET + 1);
        vm.assertEq(condition.marketIdToConditionType(MARKET), 2, "type");
        vm.assertEq(condition.marketIdToConditionType(MARKET + 1), 0, "no type");
        vm.expectRevert(abi.encodeWithSelector(Y2kCondition.NothingAttested.selector));
        condition.getLatestPrice();
        vm.expectRevert(abi.encodeWithSelector(Y2kCondition.BadConditionType.selector, 3));
        new Y2kCondition(verifier, TERMS, VAULT, MARKET, 3, 1e18);
        ClaimAttestation memory a = nothing(condition, epochPolicy(BEGIN, END));
        filingRefused(condition, a, abi.encodeWithSignature("OnlyTriggered(uint8)", 2));
    }

    function depeg(uint40 begin, uint40 end) private view returns (ClaimAttestation memory a) {
        a = loss(condition, epochPolicy(begin, end));
        a.measuredValue = 0.88e18;
        a.windowStart = begin;
        a.windowEnd = end;
        if (a.occurredAt >= end) a.occurredAt = end - 1;
    }

    function epochPolicy(uint40 begin, uint40 end) private view returns (bytes32) {
        uint256 epochId = uint256(keccak256(abi.encodePacked(MARKET, begin, end)));
        return keccak256(abi.encode(block.chainid, VAULT, epochId));
    }

    function notMet() private {
        vm.expectRevert(abi.encodeWithSelector(MiniController.ConditionNotMet.selector));
        controller.triggerLiquidation(BEGIN, END);
    }

    function notAnEpoch(ClaimAttestation memory a) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Y2kCondition.NotAnEpoch.selector, a.policyId, a.windowStart, a.windowEnd);
    }
}
