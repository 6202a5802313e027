// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ITocsinVerifier} from "../src/ITocsinVerifier.sol";
import {ParametricCover} from "../src/ParametricCover.sol";
import {CoverFixture} from "./support/CoverFixture.sol";
import {vm} from "./support/Vm.sol";

/// Capital, purchase and the limits of what is sold.
contract CoverPolicyTest is CoverFixture {
    function test_a_purchase_locks_the_sum_and_earns_the_premium() public view {
        uint256 premium = SUM * 250 / 10_000;
        vm.assertEq(cover.premiumFor(SUM), premium, "premium");
        vm.assertEq(cover.escrowed(), SUM, "escrow");
        vm.assertEq(cover.capital(), CAPITAL + premium - SUM, "capital");
        solvent();

        ParametricCover.Policy memory policy = cover.policy(policyNumber);
        vm.assertEq(policy.holder, HOLDER, "holder");
        vm.assertEq(policy.id, policyNumber, "id");
        vm.assertEq(policy.sumInsured, SUM, "sum insured");
        vm.assertEq(policy.escrow, SUM, "escrow");
        vm.assertEq(policy.inception, INCEPTION, "inception");
        vm.assertEq(policy.expiry, EXPIRY, "expiry");
        vm.assertEq(policy.termsHash, TERMS, "terms");
        vm.assertFalse(policy.released, "released");
    }

    function test_policies_are_numbered_and_identified() public {
        vm.assertEq(policyNumber, 1, "from one");
        bytes32 policyId = keccak256(abi.encode(block.chainid, address(cover), uint256(2)));
        vm.assertEq(cover.policyIdOf(2), policyId, "policy id");
        token.mint(address(this), cover.premiumFor(SUM));
        token.approve(address(cover), cover.premiumFor(SUM));
        vm.expectEmit(address(cover));
        emit ParametricCover.PolicyBought(2, policyId, address(0x2222), SUM, NOW, EXPIRY);
        vm.assertEq(cover.buyFor(address(0x2222), SUM, NOW, EXPIRY), 2, "in turn");
    }

    function test_premium_is_rounded_up() public view {
        vm.assertEq(cover.premiumFor(1), 1, "never free");
        vm.assertEq(cover.premiumFor(40), 1, "exact");
        vm.assertEq(cover.premiumFor(41), 2, "up");
    }

    function test_no_back_dating() public {
        bytes4 reason = ParametricCover.InceptionInPast.selector;
        buyRefused(HOLDER, SUM, NOW - 1, EXPIRY, abi.encodeWithSelector(reason, NOW - 1, NOW));
        buy(HOLDER, SUM, NOW, EXPIRY);
    }

    function test_term_is_longer_than_the_waiting_period_and_bounded() public {
        bytes4 reason = ParametricCover.TermTooShort.selector;
        uint64 tooEarly = NOW + WAITING;
        buyRefused(HOLDER, SUM, NOW, tooEarly, abi.encodeWithSelector(reason, NOW, tooEarly, WAITING));
        buyRefused(HOLDER, SUM, NOW, 0, abi.encodeWithSelector(reason, NOW, 0, WAITING));
        uint64 max = type(uint64).max;
        buyRefused(HOLDER, SUM, max, max, abi.encodeWithSelector(reason, max, max, WAITING));
        uint64 latest = NOW + 365 * DAY;
        reason = ParametricCover.ExpiryTooFar.selector;
        buyRefused(HOLDER, SUM, NOW, latest + 1, abi.encodeWithSelector(reason, latest + 1, latest));
        buy(HOLDER, SUM, NOW, latest);
    }

    function test_sum_insured_is_bounded() public {
        buyRefused(HOLDER, 0, NOW, EXPIRY, abi.encodeWithSelector(ParametricCover.ZeroSumInsured.selector));
        uint256 cap = cover.policyCap();
        bytes4 reason = ParametricCover.SumInsuredAboveCap.selector;
        buyRefused(HOLDER, cap + 1, NOW, EXPIRY, abi.encodeWithSelector(reason, cap + 1, cap));
        buyRefused(HOLDER, 1 << 128, NOW, EXPIRY, abi.encodeWithSelector(reason, 1 << 128, cap));
        buyRefused(address(0), SUM, NOW, EXPIRY, abi.encodeWithSelector(ParametricCover.ZeroAddress.selector));
    }

    function test_never_more_sold_than_there_is_capital() public {
        uint256 premium = cover.premiumFor(SUM);
        uint256 remainder = SUM - premium - 1;
        uint256 out = cover.capital() - remainder;
        vm.prank(UNDERWRITER);
        cover.withdraw(out);
        bytes4 reason = ParametricCover.NotEnoughCapital.selector;
        buyRefused(HOLDER, SUM, NOW, EXPIRY, abi.encodeWithSelector(reason, SUM, SUM - 1));
        fund(1);
        buy(HOLDER, SUM, NOW, EXPIRY);
        vm.assertEq(cover.capital(), 0, "all of it is locked");
        solvent();
    }

    function test_underwriter_takes_free_capital_only() public {
        uint256 free = cover.capital();
        vm.prank(UNDERWRITER);
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.NotEnoughCapital.selector, free + 1, free));
        cover.withdraw(free + 1);

        vm.expectEmit(address(cover));
        emit ParametricCover.Withdrawn(free);
        vm.prank(UNDERWRITER);
        cover.withdraw(free);
        vm.assertEq(token.balanceOf(UNDERWRITER), free, "withdrawn");
        vm.assertEq(token.balanceOf(address(cover)), SUM, "escrow stays");
    }

    function test_only_the_underwriter_moves_capital() public {
        bytes memory reason = abi.encodeWithSelector(ParametricCover.NotUnderwriter.selector, address(this));
        vm.expectRevert(reason);
        cover.withdraw(1);
        vm.expectRevert(reason);
        cover.fund(1);
    }

    function test_impossible_products_are_refused() public {
        ParametricCover.Config memory c = config();
        c.policyCap = c.dailyCap + 1;
        refusedProduct(
            c, abi.encodeWithSelector(ParametricCover.PolicyCapAboveDailyCap.selector, c.policyCap, c.dailyCap)
        );
        c = config();
        c.settlementSeconds = CLAIM_DEADLINE - 1;
        bytes4 reason = ParametricCover.SettlementBeforeClaimDeadline.selector;
        refusedProduct(c, abi.encodeWithSelector(reason, CLAIM_DEADLINE - 1, CLAIM_DEADLINE));
        c = config();
        c.termsHash = 0;
        refusedProduct(c, abi.encodeWithSelector(ParametricCover.ZeroTermsHash.selector));

        bytes memory zero = abi.encodeWithSelector(ParametricCover.ZeroAddress.selector);
        c = config();
        c.verifier = ITocsinVerifier(address(0));
        refusedProduct(c, zero);
        c = config();
        c.token = IERC20(address(0));
        refusedProduct(c, zero);
        c = config();
        c.underwriter = address(0);
        refusedProduct(c, zero);
    }

    /// Ten days at 30,000 are left after the deadline; whoever is insured can be paid in them.
    function test_no_more_is_insured_than_the_days_of_the_settlement_can_pay() public {
        vm.assertEq(cover.payableInTime(), 300_000e6, "ten days");
        vm.warp(INCEPTION);
        fund(CAPITAL);
        while (cover.escrowed() + 20_000e6 <= 300_000e6) {
            buy(HOLDER, 20_000e6, INCEPTION, EXPIRY);
        }
        buy(HOLDER, 300_000e6 - cover.escrowed(), INCEPTION, EXPIRY);
        uint256 premium = cover.premiumFor(1e6);
        token.mint(HOLDER, premium);
        vm.startPrank(HOLDER);
        token.approve(address(cover), premium);
        bytes4 reason = ParametricCover.MoreThanCanBePaid.selector;
        vm.expectRevert(abi.encodeWithSelector(reason, 300_000e6 + 1e6, 300_000e6));
        cover.buy(1e6, INCEPTION, EXPIRY);
        vm.stopPrank();
    }

    function refusedProduct(ParametricCover.Config memory c, bytes memory reason) private {
        vm.expectRevert(reason);
        new ParametricCover(c);
    }

    function buyRefused(address holder, uint256 sum, uint64 inception, uint64 expiry, bytes memory reason) private {
        token.mint(address(this), CAPITAL);
        token.approve(address(cover), CAPITAL);
        vm.expectRevert(reason);
        cover.buyFor(holder, sum, inception, expiry);
    }
}
