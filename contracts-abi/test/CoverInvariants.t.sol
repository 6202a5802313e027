// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {DemoToken} from "../src/demo/DemoToken.sol";
import {ParametricCover} from "../src/ParametricCover.sol";
import {CoverHandler} from "./support/CoverHandler.sol";
import {vm} from "./support/Vm.sol";

/// What holds after any sequence of funding, buying, claiming, releasing, withdrawing and waiting.
contract CoverInvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    CoverHandler private handler = new CoverHandler();
    ParametricCover private cover = ParametricCover(handler.theCover());
    DemoToken private token = DemoToken(handler.theToken());

    /// Forge asks which contract it may call, and how.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory actions = new bytes4[](7);
        actions[0] = handler.doFund.selector;
        actions[1] = handler.doWithdraw.selector;
        actions[2] = handler.doBuy.selector;
        actions[3] = handler.doClaim.selector;
        // Claims twice as often as anything else.
        actions[4] = handler.doClaim.selector;
        actions[5] = handler.doRelease.selector;
        actions[6] = handler.doWait.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), actions);
    }

    function invariant_the_balance_covers_escrow_and_capital() external view {
        vm.assertEq(token.balanceOf(address(cover)), cover.escrowed() + cover.capital(), "balance");
    }

    function invariant_escrow_is_the_sum_of_what_policies_are_owed() external view {
        uint256 sum = 0;
        for (uint256 id = 1; id <= cover.policyCount(); ++id) {
            ParametricCover.Policy memory policy = cover.policy(id);
            vm.assertEq(
                policy.escrow + handler.paidTo(id) + handler.releasedFrom(id), policy.sumInsured, "every unit once"
            );
            if (policy.released) vm.assertEq(policy.escrow, 0, "released and still locked");
            sum += policy.escrow;
        }
        vm.assertEq(cover.escrowed(), sum, "escrow");
    }

    function invariant_at_most_one_payout_for_each_claim_key() external view {
        for (uint256 i = 0; i < handler.claimCount(); ++i) {
            vm.assertEq(handler.payouts(handler.claimKeys(i)), 1, "payouts");
        }
    }

    function invariant_no_day_pays_more_than_its_cap() external view {
        for (uint256 i = 0; i < handler.claimCount(); ++i) {
            uint256 day = handler.daysSeen(i);
            vm.assertLe(handler.paidIn(day), cover.dailyCap(), "cap");
            vm.assertEq(handler.paidIn(day), cover.paidOn(day), "books");
        }
    }
}
