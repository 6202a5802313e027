// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimRecord} from "../../src/ClaimRecord.sol";
import {vm} from "../support/Vm.sol";

/// Five facts in one word: whatever the word, a change of one is read back and leaves the others as they were.
contract ClaimRecordTest {
    struct Facts {
        bool consumed;
        bool held;
        uint32 minRevision;
        uint32 holds;
        uint64 heldAt;
        bool resolved;
    }

    /// The bits above the last field belong to nobody.
    uint256 private constant USED = (1 << 131) - 1;

    function testFuzz_consume(uint256 word) public pure {
        Facts memory f = facts(ClaimRecord.wrap(word));
        f.consumed = true;
        same(ClaimRecord.wrap(word).consume(), f);
    }

    function testFuzz_hold(uint256 word, uint64 time) public pure {
        ClaimRecord record = ClaimRecord.wrap(word);
        Facts memory f = facts(record);
        vm.assume(f.holds < type(uint32).max);
        (f.held, f.holds, f.heldAt) = (true, f.holds + 1, time);
        same(record.hold(time), f);
    }

    function testFuzz_release(uint256 word) public pure {
        Facts memory f = facts(ClaimRecord.wrap(word));
        (f.held, f.resolved) = (false, true);
        same(ClaimRecord.wrap(word).release(), f);
    }

    function testFuzz_min_revision(uint256 word, uint32 revision) public pure {
        Facts memory f = facts(ClaimRecord.wrap(word));
        (f.minRevision, f.resolved) = (revision, false);
        same(ClaimRecord.wrap(word).withMinRevision(revision), f);
    }

    function testFuzz_the_fields_do_not_overlap(bool consumed, uint32 revision, uint64 time) public pure {
        ClaimRecord record = ClaimRecord.wrap(0).withMinRevision(revision).hold(time);
        if (consumed) record = record.consume();
        same(record, Facts(consumed, true, revision, 1, time, false));
    }

    function testFuzz_untouched_is_zero_and_nothing_else(uint256 word) public pure {
        vm.assertTrue(ClaimRecord.wrap(word).isUntouched() == (word == 0), "untouched");
    }

    function test_the_holds_of_a_claim_end_before_they_wrap() public {
        ClaimRecord record = ClaimRecord.wrap(uint256(type(uint32).max) << 34);
        vm.assertEq(record.holds(), type(uint32).max, "as many as can be counted");
        (bool done,) = address(this).call(abi.encodeCall(this.holdOnce, (record)));
        vm.assertFalse(done, "one more");
    }

    function holdOnce(ClaimRecord record) external pure returns (ClaimRecord) {
        return record.hold(1);
    }

    function facts(ClaimRecord r) private pure returns (Facts memory) {
        return Facts(r.isConsumed(), r.isHeld(), r.minRevision(), r.holds(), r.heldAt(), r.isResolved());
    }

    function same(ClaimRecord record, Facts memory expected) private pure {
        vm.assertEq(keccak256(abi.encode(facts(record))), keccak256(abi.encode(expected)), "facts");
        // The word is the facts: read them bit by bit, as the layout says.
        uint256 word = uint256(expected.consumed ? 1 : 0) | uint256(expected.held ? 2 : 0)
            | uint256(expected.minRevision) << 2 | uint256(expected.holds) << 34 | uint256(expected.heldAt) << 66
            | uint256(expected.resolved ? 1 : 0) << 130;
        vm.assertEq(ClaimRecord.unwrap(record) & USED, word, "layout");
    }
}
