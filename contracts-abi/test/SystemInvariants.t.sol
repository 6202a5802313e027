// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ParametricCover} from "../src/ParametricCover.sol";
import {SystemHandler} from "./support/SystemHandler.sol";
import {SystemModel} from "./support/SystemModel.sol";
import {vm} from "./support/Vm.sol";

/// forge-config: default.invariant.runs = 96
/// What holds whatever owner, guardian, quorum, claimants and thieves do, in any order and at any time.
contract SystemInvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    SystemHandler private handler = new SystemHandler();
    ParametricCover private cover = handler.theCover();

    /// Forge asks which contract it may call, and how.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        // Consuming and claiming three times as often as anything else.
        bytes4[23] memory some = [
            handler.doBuy.selector,
            handler.doRefund.selector,
            handler.doWithdraw.selector,
            handler.doWait.selector,
            handler.doRotate.selector,
            handler.doRevokeEpoch.selector,
            handler.doHold.selector,
            handler.doRelease.selector,
            handler.doRevokeClaim.selector,
            handler.doConsume.selector,
            handler.doConsume.selector,
            handler.doConsume.selector,
            handler.doClaim.selector,
            handler.doGuardian.selector,
            handler.doOwner.selector,
            handler.doPresent.selector,
            handler.doPresent.selector,
            handler.doPay.selector,
            handler.doPay.selector,
            handler.doPay.selector,
            handler.doStay.selector,
            handler.doFeed.selector,
            handler.doFeed.selector
        ];
        bytes4[] memory actions = new bytes4[](some.length);
        for (uint256 i = 0; i < some.length; ++i) {
            actions[i] = some[i];
        }
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), actions);
    }

    /// One campaign for all: each says by its message which of them broke.
    function invariant_all() external view {
        at_most_one_payout_for_each_claim_key();
        nothing_is_accepted_outside_its_windows();
        the_least_revision_only_rises_and_counts();
        a_revoked_epoch_is_never_accepted();
        a_held_claim_is_never_consumed_and_only_a_quorum_ends_a_hold();
        the_escrow_is_never_short();
        nobody_new_signs_without_notice_and_nothing_is_paid_before_its_veto();
        what_was_presented_can_be_paid_before_the_escrow_is_released();
        vm.assertTrue(handler.feedIsRight(), "the adapter's feed");
        what_is_right_is_accepted();
    }

    function at_most_one_payout_for_each_claim_key() private view {
        never(SystemModel.Rule.Twice, "paid twice");
        for (uint256 i = 0; i < handler.keyCount(); ++i) {
            vm.assertLe(handler.payoutsOf(handler.claimKeys(i)), 1, "payouts");
        }
    }

    function nothing_is_accepted_outside_its_windows() private view {
        never(SystemModel.Rule.Window, "outside the window");
        never(SystemModel.Rule.Order, "times out of order");
        never(SystemModel.Rule.Validity, "not valid then");
        never(SystemModel.Rule.EpochTimes, "outside the epoch's times");
    }

    function the_least_revision_only_rises_and_counts() private view {
        vm.assertEq(handler.revisionsFell(), 0, "fell");
        never(SystemModel.Rule.Revision, "below the least revision");
        never(SystemModel.Rule.Supersedes, "a correction of nothing");
    }

    function a_revoked_epoch_is_never_accepted() private view {
        never(SystemModel.Rule.EpochRevoked, "a revoked epoch");
    }

    function a_held_claim_is_never_consumed_and_only_a_quorum_ends_a_hold() private view {
        never(SystemModel.Rule.Held, "a held claim");
    }

    function the_escrow_is_never_short() private view {
        uint256 owed = 0;
        for (uint256 id = 1; id <= cover.policyCount(); ++id) {
            owed += cover.policy(id).escrow;
        }
        vm.assertEq(cover.escrowed(), owed, "escrow");
        vm.assertGe(handler.coverBalance(), owed + cover.capital(), "balance");
    }

    function nobody_new_signs_without_notice_and_nothing_is_paid_before_its_veto() private view {
        never(SystemModel.Rule.Notice, "an epoch without notice");
        never(SystemModel.Rule.Veto, "paid before the veto was over");
    }

    function what_was_presented_can_be_paid_before_the_escrow_is_released() private view {
        vm.assertEq(handler.unpayable(), 0, "a presented claim was not payable, or too early");
        vm.assertEq(handler.releasedTooSoon(), 0, "an escrow was released too soon");
    }

    /// The other side: nothing is refused but for a reason, and the books say what people did.
    function what_is_right_is_accepted() private view {
        vm.assertEq(handler.refusedWithoutReason(), 0, "refused");
        vm.assertEq(handler.wronglyDone(), 0, "a hold, release or revocation");
        for (uint256 i = 0; i < handler.keyCount(); ++i) {
            vm.assertTrue(handler.recordIsRight(handler.claimKeys(i)), "record");
        }
    }

    function never(SystemModel.Rule rule, string memory message) private view {
        vm.assertEq(handler.broken(rule), 0, message);
    }
}
