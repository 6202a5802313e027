// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {CoverFixture} from "./CoverFixture.sol";
import {vm} from "./Vm.sol";

/// Does to a cover whatever people may do, in any order, and keeps its own account of what was paid. Claims are
/// genuinely signed, often for events that were paid before, for policies that are gone, and by re-issue.
contract CoverHandler is CoverFixture {
    uint256 private constant EVENTS = 3;

    mapping(bytes32 claimKey => uint256) public payouts;
    mapping(uint256 id => uint256) public paidTo;
    mapping(uint256 day => uint256) public paidIn;
    mapping(uint256 id => uint256) public releasedFrom;
    bytes32[] public claimKeys;
    uint256[] public daysSeen;

    constructor() {
        setUp();
        // An epoch that outlives every sequence, so that refusals come from policies and not from stale keys.
        vm.prank(OWNER);
        epoch = verifier.announceEpoch(0, type(uint64).max, type(uint64).max, 1, addresses(keys), 0);
    }

    function doFund(uint256 amount) external {
        fund(bound(amount, 1, CAPITAL));
    }

    function doWithdraw(uint256 amount) external {
        amount = bound(amount, 0, cover.capital());
        vm.prank(UNDERWRITER);
        cover.withdraw(amount);
    }

    function doBuy(uint256 sum, uint64 delay, uint64 term) external {
        sum = bound(sum, 1, cover.policyCap());
        uint64 inception = uint64(block.timestamp + bound(delay, 0, 5 * DAY));
        uint64 expiry = inception + WAITING + uint64(bound(term, 1, 30 * DAY));
        if (cover.escrowed() + sum > cover.payableInTime()) return;
        if (cover.capital() + cover.premiumFor(sum) < sum) fund(sum);
        buy(HOLDER, sum, inception, expiry);
    }

    function doClaim(uint256 id, uint256 ordinal, uint64 fraction, uint64 occurredAt, uint32 revision) external {
        id = bound(id, 1, cover.policyCount());
        string memory eventName = vm.toString(bound(ordinal, 1, EVENTS));
        ClaimAttestation memory a = lossOf(id, eventName, uint64(bound(fraction, 0, 1e18)));
        a.occurredAt = uint64(bound(occurredAt, a.windowStart, a.windowEnd - 1));
        a.confirmedAt = a.occurredAt;
        a.issuedAt = a.occurredAt;
        a.validAfter = 0;
        a.validUntil = type(uint64).max;
        a.revision = revision;
        if (revision > 0) a.supersedes = keccak256("an earlier revision");

        bytes32 key = verifier.claimKeyOf(a);
        uint256 before = token.balanceOf(HOLDER);
        try cover.claim(a, signedBy(a, keys, 1)) returns (uint256 amount) {
            vm.assertEq(token.balanceOf(HOLDER) - before, amount, "the holder got what was said");
            note(id, key, amount);
        } catch {}
    }

    function doRelease(uint256 id) external {
        id = bound(id, 1, cover.policyCount());
        try cover.release(id) returns (uint256 amount) {
            releasedFrom[id] += amount;
        } catch {}
    }

    function doWait(uint256 duration) external {
        vm.warp(block.timestamp + bound(duration, 1, 10 * DAY));
    }

    function note(uint256 id, bytes32 key, uint256 amount) private {
        payouts[key] += 1;
        paidTo[id] += amount;
        uint256 day = block.timestamp / 1 days;
        paidIn[day] += amount;
        claimKeys.push(key);
        daysSeen.push(day);
    }

    function theCover() external view returns (address) {
        return address(cover);
    }

    function theToken() external view returns (address) {
        return address(token);
    }

    function claimCount() external view returns (uint256) {
        return claimKeys.length;
    }
}
