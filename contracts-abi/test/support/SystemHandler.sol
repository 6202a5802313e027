// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestedFeed} from "../../src/adapters/AttestedFeed.sol";
import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {HoldRelease} from "../../src/HoldRelease.sol";
import {ParametricCover} from "../../src/ParametricCover.sol";
import {Revocation} from "../../src/Revocation.sol";
import {SignerEpochs} from "../../src/SignerEpochs.sol";
import {SystemModel} from "./SystemModel.sol";
import {KeyWallet} from "./Wallets.sol";
import {vm} from "./Vm.sol";

/// Owner, guardian, quorum, buyers, claimants and thieves do whatever they can, in any order. Statements are genuinely
/// signed and mostly about few claims, with times on both sides of every limit.
contract SystemHandler is SystemModel {
    uint256 private constant EVENTS = 4;
    uint64 private constant STEP = 2 days;

    uint64 private constant NOTICE = 2 hours;
    uint64 private constant VETO = 1 days;
    address private constant WALLET = address(type(uint160).max);
    address private constant SECOND_GUARDIAN = address(0x6a2e);
    address private constant SECOND_OWNER = address(0x0ee1);

    /// A claim that was rightly presented to the cover.
    struct Lodged {
        uint256 policy;
        bytes32 eventId;
        bytes32 key;
        uint64 fraction;
        uint64 payableFrom;
    }

    bytes32 private constant FEED_POLICY = keccak256("a policy on a feed");
    AttestedFeed private feed;
    uint256 private feedSum;
    uint256 private feedRounds;
    Lodged[] private lodged;
    mapping(bytes32 content => uint64) private presented;
    mapping(uint32 epoch => bool) private isMixed;
    address private ownerNow = OWNER;
    address private guardianBefore;
    address private guardianNext = GUARDIAN;
    uint64 private guardianFrom;

    /// How often an escrow was gone before a presented claim could be paid from it.
    uint256 public releasedTooSoon;
    /// How often a presented claim was refused, or paid, otherwise than it should have been.
    uint256 public unpayable;

    /// The last time that `minRevision` was read fell.
    uint256 public revisionsFell;
    mapping(bytes32 claimKey => uint32) private _seenRevision;

    constructor() {
        setUp();
        feed = new AttestedFeed(verifier, TERMS, FEED_POLICY, "a policy");
        KeyWallet wallet = new KeyWallet(vm.addr(keys[0]));
        // An address above all others, so that it is the last signer.
        vm.etch(WALLET, address(wallet).code);
        vm.store(WALLET, 0, bytes32(uint256(uint160(vm.addr(keys[0])))));
    }

    function notice() internal pure override returns (uint64) {
        return NOTICE;
    }

    function veto() internal pure override returns (uint64) {
        return VETO;
    }

    function doBuy(uint256 sum, uint64 term) external {
        sum = bound(sum, 1, cover.policyCap());
        uint64 inception = uint64(block.timestamp);
        uint64 expiry = inception + WAITING + uint64(bound(term, 1, 20 * DAY));
        if (cover.escrowed() + sum > cover.payableInTime()) return;
        if (cover.capital() + cover.premiumFor(sum) < sum) fund(sum);
        buy(HOLDER, sum, inception, expiry);
    }

    /// Gone too soon, if a claim that was presented had not at least the days between veto and settlement to be paid in.
    function doRefund(uint256 id) external {
        id = bound(id, 1, cover.policyCount());
        try cover.release(id) {
            for (uint256 i = 0; i < lodged.length; ++i) {
                Lodged storage one = lodged[i];
                if (one.policy != id || known[one.key].payouts > 0) continue;
                if (block.timestamp <= one.payableFrom + SETTLEMENT - CLAIM_DEADLINE - VETO) ++releasedTooSoon;
            }
        } catch {}
    }

    /// A claim that the quorum attests rightly is shown to the cover, until the last second of the settlement.
    function doPresent(uint256 id, uint256 which, uint64 fraction) external {
        id = bound(id, 1, cover.policyCount());
        fraction = uint64(bound(fraction, 1, 1e18));
        ClaimAttestation memory a = rightly(id, eventOf(which), fraction);
        Known storage k = known[keyOf(a)];
        ParametricCover.Policy memory policy = cover.policy(id);
        bytes32 content = contentOf(a);
        bool right = mayBeSigned(a.signerEpoch, a.issuedAt) && a.issuedAt >= a.confirmedAt && !k.held
            && k.minRevision == 0 && k.payouts == 0 && policy.escrow > 0 && presented[content] == 0;
        bool done;
        try cover.present(a, votes(a.signerEpoch, verifier.attestationId(a))) returns (uint64 from) {
            done = true;
            presented[content] = uint64(block.timestamp);
            lodged.push(Lodged(id, a.eventId, keyOf(a), fraction, from));
            list(keyOf(a));
        } catch {}
        if (done != right) ++wronglyDone;
    }

    /// What was presented is paid when the veto is over, by a statement of whatever epoch is live, for as long as the escrow is there.
    function doPay(uint256 which) external {
        if (lodged.length == 0) return;
        Lodged memory one = lodged[which % lodged.length];
        ClaimAttestation memory a = rightly(one.policy, one.eventId, one.fraction);
        Known storage k = known[one.key];
        ParametricCover.Policy memory policy = cover.policy(one.policy);
        uint256 amount = uint256(policy.sumInsured) * one.fraction / 1e18;
        if (amount > policy.escrow) amount = policy.escrow;
        uint256 left = cover.dailyCap() - cover.paidOn(block.timestamp / 1 days);
        bool right = mayBeSigned(a.signerEpoch, a.issuedAt) && !k.held && k.minRevision == 0 && k.payouts == 0
            && block.timestamp >= one.payableFrom && policy.escrow > 0 && amount <= left;
        bool done;
        try cover.claim(a, votes(a.signerEpoch, verifier.attestationId(a))) returns (uint256 paid) {
            done = true;
            if (paid != amount) ++unpayable;
            noteAccepted(a, a.issuedAt);
        } catch {}
        if (done != right) ++unpayable;
    }

    /// Whoever cares about a policy of which a claim is held.
    function doStay(uint256 which) external {
        if (lodged.length == 0) return;
        Lodged storage one = lodged[which % lodged.length];
        bool right = known[one.key].held && !cover.policy(one.policy).released;
        bool done;
        try cover.stay(one.policy, one.eventId) returns (uint64 until) {
            done = true;
            // To be paid once the hold ends, it has as many days again.
            one.payableFrom = until - (SETTLEMENT - CLAIM_DEADLINE - VETO);
        } catch {}
        if (done != right) ++wronglyDone;
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

    /// Now and then too early, or by somebody else; every other one with a contract among its signers.
    function doRotate(uint64 signFor, uint64 acceptFor, uint8 how) external {
        if (verifier.epochCount() > 40) return;
        bool early = how % 8 == 1;
        bool thief = how % 8 == 2;
        uint64 from = uint64(block.timestamp) + NOTICE - (early ? 1 : 0);
        uint64 until = from + uint64(bound(signFor, 0, 4 * STEP));
        bool mixed = how % 2 == 0;
        address[] memory signers = mixed ? withWallet() : addresses(keys);
        uint64 last = until + uint64(bound(acceptFor, 0, 6 * STEP));
        bool done;
        vm.prank(thief ? CONSUMER : ownerNow);
        try verifier.announceEpoch(from, until, last, 3, signers, mixed ? 1 << 4 : 0) returns (uint32 number) {
            done = true;
            epoch = number;
            isMixed[number] = mixed;
            announcedAt[number] = uint64(block.timestamp);
        } catch {}
        if (done == (early || thief)) ++wronglyDone;
    }

    function doRevokeEpoch(uint32 number, uint8 rarely) external {
        // Every other epoch is enough, or nothing is ever accepted.
        if (rarely % 4 != 0) return;
        number = uint32(bound(number, 1, verifier.epochCount()));
        address who = rarely % 8 == 0 ? guardianNow() : ownerNow;
        if (rarely % 16 == 12) who = CONSUMER;
        bool right = who != CONSUMER && who != address(0) && !epochRevoked[number];
        bool done;
        vm.prank(who);
        try verifier.revokeEpoch(number) {
            done = true;
            epochRevoked[number] = true;
        } catch {}
        if (who != address(0) && done != right) ++wronglyDone;
    }

    /// The other guardian, or the first again; the one before stays for the notice.
    function doGuardian(bool other, bool byThief) external {
        address next = other ? SECOND_GUARDIAN : GUARDIAN;
        address present = guardianNow();
        bool done;
        vm.prank(byThief ? CONSUMER : ownerNow);
        try verifier.setGuardian(next) {
            done = true;
            (guardianBefore, guardianNext, guardianFrom) = (present, next, uint64(block.timestamp) + NOTICE);
        } catch {}
        if (done == byThief) ++wronglyDone;
    }

    /// To the other owner, in two steps, or in one by a thief.
    function doOwner(bool byThief) external {
        address next = ownerNow == OWNER ? SECOND_OWNER : OWNER;
        bool done;
        vm.prank(byThief ? CONSUMER : ownerNow);
        try verifier.transferOwnership(next) {
            vm.prank(next);
            verifier.acceptOwnership();
            done = true;
            ownerNow = next;
        } catch {}
        if (done == byThief) ++wronglyDone;
    }

    function doHold(uint256 which, bool byThief) external {
        bytes32 key = claimKeyOf(which);
        Known storage k = known[key];
        bool right = !byThief && !k.held && !k.resolved && k.payouts == 0;
        vm.prank(byThief ? thiefOrLate() : guardianNow());
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
        try verifier.releaseClaim(
            r,
            forged ? pack(verifier.holdReleaseId(r), thieves(), 0x15) : votes(r.signerEpoch, verifier.holdReleaseId(r))
        ) {
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
        try verifier.revokeClaim(
            r, forged ? pack(verifier.revocationId(r), thieves(), 0x15) : votes(r.signerEpoch, verifier.revocationId(r))
        ) {
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
            b.signatures = votes(a.signerEpoch, verifier.batchId(b.batch));
            vm.prank(CONSUMER);
            try verifier.consumeBatched(a, b.batch, b.proof, b.signatures) {
                taken = true;
            } catch {}
        } else {
            bytes memory signatures = votes(a.signerEpoch, verifier.attestationId(a));
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
        try cover.claim(a, votes(a.signerEpoch, verifier.attestationId(a))) returns (uint256 amount) {
            vm.assertEq(token.balanceOf(HOLDER) - before, amount, "the holder got what was said");
            uint64 shown = presented[contentOf(a)];
            if (shown == 0 || block.timestamp < shown + VETO) ++broken[Rule.Veto];
            noteAccepted(a, a.issuedAt);
        } catch {}
        look(keyOf(a));
    }

    /// Losses of one policy to an adapter that shows them as a feed.
    function doFeed(uint256 which, uint256 times, uint32 number, uint32 revision, uint64 fraction) external {
        ClaimAttestation memory a = statement(which, times, number, revision);
        (a.consumer, a.policyId) = (address(feed), FEED_POLICY);
        a.payoutFraction = uint64(bound(fraction, 0, 1e18));
        try feed.claim(a, votes(a.signerEpoch, verifier.attestationId(a))) {
            noteAccepted(a, a.issuedAt);
            feedSum += a.payoutFraction;
            ++feedRounds;
        } catch {
            noteRefused(a, a.issuedAt);
        }
        look(keyOf(a));
    }

    /// The feed says what was accepted, all of it and at most everything, and nothing before anything was.
    function feedIsRight() external view returns (bool) {
        if (feed.latestRound() != feedRounds) return false;
        return feedRounds == 0 || uint256(feed.latestAnswer()) == (feedSum < 1e18 ? feedSum : 1e18);
    }

    /// What an honest quorum says of a loss, in an epoch that is live if one is.
    function rightly(uint256 id, bytes32 eventId, uint64 fraction) private view returns (ClaimAttestation memory a) {
        a = sample();
        ParametricCover.Policy memory policy = cover.policy(id);
        (a.policyId, a.consumer, a.eventId) = (cover.policyIdOf(id), address(cover), eventId);
        (a.windowStart, a.windowEnd) = (policy.inception + WAITING, policy.expiry);
        a.payoutFraction = fraction;
        a.occurredAt = a.confirmedAt = a.windowEnd - 1;
        (a.issuedAt, a.validAfter, a.validUntil) = (uint64(block.timestamp), 0, type(uint64).max);
        a.signerEpoch = 1;
        for (uint32 number = verifier.epochCount(); number > 0; --number) {
            if (mayBeSigned(number, a.issuedAt)) {
                a.signerEpoch = number;
                break;
            }
        }
    }

    function contentOf(ClaimAttestation memory a) private pure returns (bytes32) {
        return keccak256(abi.encode(keyOf(a), a.payoutFraction));
    }

    /// Signers 0, 2 and 4; where the last is a contract, it votes.
    function votes(uint32 number, bytes32 digest) private view returns (bytes memory) {
        if (!isMixed[number]) return pack(digest, keys, 0x15);
        bytes memory ofKeys = pack(digest, keys, 5);
        bytes memory tail = new bytes(ofKeys.length - 32);
        for (uint256 i = 0; i < tail.length; ++i) {
            tail[i] = ofKeys[i + 32];
        }
        bytes memory vote = signature(keys[0], verifier.voteDigest(digest, WALLET));
        return bytes.concat(abi.encode(1 << 255 | 0x15, 16), tail, bytes2(uint16(65)), vote);
    }

    function withWallet() private view returns (address[] memory signers) {
        signers = addresses(keys);
        signers[4] = WALLET;
    }

    function guardianNow() private view returns (address) {
        return block.timestamp < guardianFrom ? guardianBefore : guardianNext;
    }

    /// Somebody who never was guardian, or the one who is not now.
    function thiefOrLate() private view returns (address) {
        if (block.timestamp % 2 == 0) return CONSUMER;
        return guardianNow() == GUARDIAN ? SECOND_GUARDIAN : GUARDIAN;
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
