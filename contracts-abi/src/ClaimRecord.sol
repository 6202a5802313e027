// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// All that a verifier remembers of one claim, in one word of storage that an acceptance reads once and writes once:
/// bit 0 consumed, bit 1 held, 32 bits each of the least revision and of the number of holds, 64 bits of the last hold's
/// time, and a bit for that a quorum has resolved a hold of this revision. A claim that nothing happened to is zero.
type ClaimRecord is uint256;

using ClaimRecords for ClaimRecord global;

/// Reading and changing a record. Each function leaves alone what it does not name.
library ClaimRecords {
    uint256 private constant CONSUMED = 1;
    uint256 private constant HELD = 2;
    uint256 private constant MIN_REVISION_AT = 2;
    uint256 private constant HOLDS_AT = 34;
    uint256 private constant HELD_AT_AT = 66;
    uint256 private constant RESOLVED = 1 << 130;

    function isUntouched(ClaimRecord record) internal pure returns (bool) {
        return ClaimRecord.unwrap(record) == 0;
    }

    function isConsumed(ClaimRecord record) internal pure returns (bool) {
        return ClaimRecord.unwrap(record) & CONSUMED != 0;
    }

    function isHeld(ClaimRecord record) internal pure returns (bool) {
        return ClaimRecord.unwrap(record) & HELD != 0;
    }

    /// Whether a quorum has looked at a held claim and let it go on, as it stands since the last revocation.
    function isResolved(ClaimRecord record) internal pure returns (bool) {
        return ClaimRecord.unwrap(record) & RESOLVED != 0;
    }

    /// Statements of a lower revision are revoked.
    function minRevision(ClaimRecord record) internal pure returns (uint32) {
        // What is above the field is cut off, here and below.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(ClaimRecord.unwrap(record) >> MIN_REVISION_AT);
    }

    /// How often the claim was held, and so the ordinal of its last hold.
    function holds(ClaimRecord record) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(ClaimRecord.unwrap(record) >> HOLDS_AT);
    }

    /// The block time of the last hold.
    function heldAt(ClaimRecord record) internal pure returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(ClaimRecord.unwrap(record) >> HELD_AT_AT);
    }

    function consume(ClaimRecord record) internal pure returns (ClaimRecord) {
        return ClaimRecord.wrap(ClaimRecord.unwrap(record) | CONSUMED);
    }

    function hold(ClaimRecord record, uint64 time) internal pure returns (ClaimRecord) {
        uint256 kept = ClaimRecord.unwrap(record) & ((1 << HOLDS_AT) - 1 | RESOLVED);
        // Checked: the holds of one claim can be counted, or there are no more.
        uint32 ordinal = record.holds() + 1;
        return ClaimRecord.wrap(kept | HELD | uint256(ordinal) << HOLDS_AT | uint256(time) << HELD_AT_AT);
    }

    /// A quorum has looked: the claim is not held, and not to be held again.
    function release(ClaimRecord record) internal pure returns (ClaimRecord) {
        return ClaimRecord.wrap(ClaimRecord.unwrap(record) & ~HELD | RESOLVED);
    }

    /// What a quorum had resolved is of the revisions before.
    function withMinRevision(ClaimRecord record, uint32 revision) internal pure returns (ClaimRecord) {
        uint256 others = ClaimRecord.unwrap(record) & ~(uint256(type(uint32).max) << MIN_REVISION_AT) & ~RESOLVED;
        return ClaimRecord.wrap(others | uint256(revision) << MIN_REVISION_AT);
    }
}
