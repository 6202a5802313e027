// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {HoldRelease} from "../../src/HoldRelease.sol";
import {ParametricCover} from "../../src/ParametricCover.sol";
import {Revocation} from "../../src/Revocation.sol";
import {SignerEpochs} from "../../src/SignerEpochs.sol";
import {SystemModel} from "./SystemModel.sol";
import {vm} from "./Vm.sol";

/// Owner, guardian, quorum, buyers, claimants and thieves do whatever they can, in any order. Statements are genuinely
/// signed and mostly about few claims, with times on both sides of every limit.
contract SystemHandler is SystemModel {
    uint256 private constant EVENTS = 4;
    uint64 private constant STEP = 2 days;

    /// The last time that `minRevision` was read fell.
    uint256 public revisionsFell;
    mapping(bytes32 claimKey => uint32) private _seenRevision;

    constructor() {
        setUp();
    }

    function doBuy(uint256 sum, uint64 term) external {
        sum = bound(sum, 1, cover.policyCap());
        uint64 inception = uint64(block.timestamp);
        uint64 expiry = inception + WAITING + uint64(bound(term, 1, 20 * DAY));
        if (cover.escrowed() + sum > cover.payableInTime()) return;
        if (cover.capital() + cover.premiumFor(sum) < sum) fund(sum);
        buy(HOLDER, sum, inception, expiry);
    }

    function doRefund(uint256 id) external {
        try cover.release(bound(id, 1, cover.policyCount())) {} catch {}
    }

    function doWithdraw(uint256 amount) external {
        amount = bound(amount, 0, cover.capital());
        vm.prank(UNDERWRITER);
        cover.withdraw(amount);
    }

    function doWait(uint256 duration) external {
        // Now and then long enough for a policy to be over and its escrow released.
        vm.warp(block.timestamp + bound(duration, 1, 3 * STEP) + (duration % 8 == 0 ? 30 days : 0));
    }

    function doRotate(uint64 signFor, uint64 acceptFor) external {
        if (verifier.epochCount() > 40) return;
        uint64 from = uint64(block.timestamp) - STEP;
        uint64 until = uint64(block.timestamp) + uint64(bound(signFor, 0, 2 * STEP));
        vm.prank(OWNER);
        epoch =
            verifier.announceEpoch(from, until, until + uint64(bound(acceptFor, 0, 6 * STEP)), 3, addresses(keys), 0);
    }

    function doRevokeEpoch(uint32 number, uint8 rarely) external {
        // Every other epoch is enough, or nothing is ever accepted.
        if (rarely % 4 != 0) return;
        number = uint32(bound(number, 1, verifier.epochCount()));
        vm.prank(rarely % 8 == 0 ? GUARDIAN : OWNER);
        try verifier.revokeEpoch(number) {
            epochRevoked[number] = true;
        } catch {}
    }

    function doHold(uint256 which, bool byThief) external {
        bytes32 key = claimKeyOf(which);
        Known storage k = known[key];
        bool right = !byThief && !k.held && !k.resolved && k.payouts == 0;
        vm.prank(byThief ? CONSUMER : GUARDIAN);
        bool done;
        try verifier.holdClaim(key) {
            done = true;
            (k.held, k.holds, k.heldAt) = (true, k.holds + 1, uint64(block.timestamp));
            list(key);
        } catch {}
        if (done != right) ++wronglyDone;
        look(key);
    }

    function doRelease(uint256 which, uint32 ordinal, uint64 age, uint32 number, bool forged) external {
        bytes32 key = claimKeyOf(which);
        Known storage k = known[key];
        // Mostly the right one.
        ordinal = ordinal % 4 == 0 ? uint32(bound(ordinal, 0, k.holds + 1)) : k.holds;
        HoldRelease memory r = releaseOf(key, ordinal);
        r.issuedAt = around(age);
        r.signerEpoch = someEpoch(number);
        bool right = k.held && r.hold == k.holds && mayBeSigned(r.signerEpoch, r.issuedAt) && !forged;
        bool done;
        try verifier.releaseClaim(r, forged ? pack(verifier.holdReleaseId(r), thieves(), 0x15) : signedRelease(r)) {
            done = true;
            (k.held, k.resolved) = (false, true);
        } catch {}
        if (done != right) ++wronglyDone;
        look(key);
    }

    function doRevokeClaim(uint256 which, uint32 least, uint64 age, uint32 number, bool forged) external {
        bytes32 key = claimKeyOf(which);
        Known storage k = known[key];
        Revocation memory r = revocationOf(key, uint32(bound(least, 0, 3)));
        r.issuedAt = around(age);
        r.signerEpoch = someEpoch(number);
        bool right =
            k.payouts == 0 && r.minRevision > k.minRevision && mayBeSigned(r.signerEpoch, r.issuedAt) && !forged;
        bool done;
        try verifier.revokeClaim(r, forged ? pack(verifier.revocationId(r), thieves(), 0x15) : signedRevocation(r)) {
            done = true;
            (k.minRevision, k.resolved) = (r.minRevision, false);
            list(key);
        } catch {}
        if (done != right) ++wronglyDone;
        look(key);
    }

    /// A statement to a consumer without rules of its own: what the verifier accepts is all there is.
    function doConsume(uint256 which, uint256 times, uint32 number, uint32 revision, bool inBatch) external {
        ClaimAttestation memory a = statement(which, times, number, revision);
        uint64 signedAt = a.issuedAt;
        bool taken;
        if (inBatch) {
            AttestationBatchOf memory b = batched(a);
            b.batch.issuedAt = signedAt = uint64(uint256(a.issuedAt) + times % 3 * 1 days - 1 days);
            b.signatures = signedBatch(b.batch);
            vm.prank(CONSUMER);
            try verifier.consumeBatched(a, b.batch, b.proof, b.signatures) {
                taken = true;
            } catch {}
        } else {
            bytes memory signatures = signed(a);
            vm.prank(CONSUMER);
            try verifier.consume(a, signatures) {
                taken = true;
            } catch {}
        }
        if (taken) noteAccepted(a, signedAt);
        else noteRefused(a, signedAt);
        look(keyOf(a));
    }

    /// A loss of a policy, paid by the cover. The cover may refuse for reasons of its own.
    function doClaim(uint256 id, uint256 times, uint32 number, uint32 revision, uint64 fraction) external {
        id = bound(id, 1, cover.policyCount());
        ClaimAttestation memory a = statement(id, times, number, revision);
        ParametricCover.Policy memory policy = cover.policy(id);
        a.consumer = address(cover);
        a.policyId = cover.policyIdOf(id);
        a.payoutFraction = uint64(bound(fraction, 0, 1e18));
        (a.windowStart, a.windowEnd) = (policy.inception + WAITING, policy.expiry);
        uint256 before = token.balanceOf(HOLDER);
        try cover.claim(a, signed(a)) returns (uint256 amount) {
            vm.assertEq(token.balanceOf(HOLDER) - before, amount, "the holder got what was said");
            noteAccepted(a, a.issuedAt);
        } catch {}
        look(keyOf(a));
    }

    function statement(uint256 which, uint256 times, uint32 number, uint32 revision)
        private
        view
        returns (ClaimAttestation memory a)
    {
        a = sample();
        a.eventId = eventOf(which);
        a.signerEpoch = someEpoch(number);
        a.revision = revision % 4;
        // Now and then a correction that names nothing, or the reverse.
        if ((a.revision > 0) != (times % 11 == 0)) a.supersedes = keccak256("earlier");
        uint64 nowAt = uint64(block.timestamp);
        a.issuedAt = nowAt - jitter(times, 1) + 1 days / 4;
        a.confirmedAt = a.issuedAt - jitter(times, 2) + 1 days / 8;
        a.occurredAt = a.confirmedAt - jitter(times, 3) + 1 days / 8;
        a.windowStart = a.occurredAt - jitter(times, 4) + 1 days / 4;
        a.windowEnd = a.occurredAt + jitter(times, 5) - 1 days / 4;
        a.validAfter = nowAt - jitter(times, 6) + 1 days / 4;
        a.validUntil = nowAt + jitter(times, 7) - 1 days / 4;
    }

    /// Up to two days, mostly on the right side of the limit, and often exactly on it.
    function jitter(uint256 times, uint256 salt) private pure returns (uint64) {
        uint256 some = uint256(keccak256(abi.encode(times, salt)));
        if (some % 4 == 0) return salt == 2 || salt == 3 ? 1 days / 8 : 1 days / 4;
        return uint64((some >> 8) % STEP);
    }

    /// Mostly a little ago, now and then in the future or exactly now.
    function around(uint64 age) private view returns (uint64) {
        if (age % 8 == 0) return uint64(block.timestamp) + age % 3;
        return uint64(block.timestamp - bound(age, 0, STEP));
    }

    function mayBeSigned(uint32 number, uint64 issuedAt) private view returns (bool) {
        SignerEpochs.Epoch memory e = verifier.epoch(number);
        bool inTime = issuedAt >= e.activeFrom && issuedAt <= e.signUntil && issuedAt <= block.timestamp;
        return inTime && block.timestamp <= e.acceptUntil && !epochRevoked[number];
    }

    function thieves() private pure returns (uint256[] memory list_) {
        list_ = new uint256[](5);
        for (uint256 i = 0; i < list_.length; ++i) {
            list_[i] = 0xbad + i;
        }
    }

    /// Mostly the latest.
    function someEpoch(uint32 number) private view returns (uint32) {
        return number % 3 == 0 ? uint32(bound(number, 1, verifier.epochCount())) : epoch;
    }

    function eventOf(uint256 which) private pure returns (bytes32) {
        return keccak256(abi.encode("event", which % EVENTS));
    }

    /// Of the consumer's few claims, or of any that was seen.
    function claimKeyOf(uint256 which) private view returns (bytes32) {
        if (which % 3 == 0 && claimKeys.length > 0) return claimKeys[which % claimKeys.length];
        ClaimAttestation memory a = sample();
        a.eventId = eventOf(which);
        return keyOf(a);
    }

    function look(bytes32 key) private {
        uint32 current = verifier.minRevision(key);
        if (current < _seenRevision[key]) ++revisionsFell;
        _seenRevision[key] = current;
    }

    function theCover() external view returns (ParametricCover) {
        return cover;
    }

    function coverBalance() external view returns (uint256) {
        return token.balanceOf(address(cover));
    }
}
