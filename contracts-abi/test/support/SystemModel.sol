// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {SignerEpochs} from "../../src/SignerEpochs.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// A second opinion: what has become of each claim and epoch, kept by what people did and not by what the verifier says,
/// and by which rules a statement may be accepted. Each rule is told apart, so that an invariant names the one that broke.
abstract contract SystemModel is LedgerFixture {
    enum Rule {
        Window,
        Order,
        Validity,
        EpochTimes,
        EpochRevoked,
        Held,
        Revision,
        Supersedes,
        Notice,
        Veto,
        Twice
    }

    struct Known {
        uint256 payouts;
        bool held;
        uint32 minRevision;
        uint32 holds;
        uint64 heldAt;
        bool resolved;
    }

    mapping(bytes32 claimKey => Known) internal known;
    mapping(uint32 epoch => bool) internal epochRevoked;
    /// The first epoch has no entry: it needs no notice.
    mapping(uint32 epoch => uint64) internal announcedAt;
    bytes32[] public claimKeys;
    mapping(bytes32 claimKey => bool) private _listed;

    /// How often something was accepted against a rule.
    mapping(Rule => uint256) public broken;
    /// How often something was refused against none.
    uint256 public refusedWithoutReason;
    uint256 public accepted;
    /// How often a release, a revocation or a hold was taken or refused otherwise than it should have been.
    uint256 public wronglyDone;

    function list(bytes32 key) internal {
        if (_listed[key]) return;
        _listed[key] = true;
        claimKeys.push(key);
    }

    function keyCount() external view returns (uint256) {
        return claimKeys.length;
    }

    function payoutsOf(bytes32 key) external view returns (uint256) {
        return known[key].payouts;
    }

    /// Whether the record of a claim at the verifier is the one that people made.
    function recordIsRight(bytes32 key) external view returns (bool) {
        Known memory k = known[key];
        bytes memory expected = abi.encode(k.payouts > 0, k.held, k.minRevision, k.holds, k.heldAt, k.resolved);
        return keccak256(abi.encode(verifier.claimStatus(key))) == keccak256(expected);
    }

    /// Notes that a statement was accepted, and each rule that should have stopped it. `signedAt` is the batch's date, or the
    /// statement's own.
    function noteAccepted(ClaimAttestation memory a, uint64 signedAt) internal {
        for (uint256 rule = 0; rule <= uint256(type(Rule).max); ++rule) {
            if (isAgainst(Rule(rule), a, signedAt)) ++broken[Rule(rule)];
        }
        ++known[keyOf(a)].payouts;
        ++accepted;
        list(keyOf(a));
    }

    function noteRefused(ClaimAttestation memory a, uint64 signedAt) internal {
        for (uint256 rule = 0; rule <= uint256(type(Rule).max); ++rule) {
            if (isAgainst(Rule(rule), a, signedAt)) return;
        }
        ++refusedWithoutReason;
    }

    function isAgainst(Rule rule, ClaimAttestation memory a, uint64 signedAt) internal view returns (bool) {
        Known memory k = known[keyOf(a)];
        uint256 nowAt = block.timestamp;
        if (rule == Rule.Window) return a.occurredAt < a.windowStart || a.occurredAt >= a.windowEnd;
        if (rule == Rule.Order) {
            return a.occurredAt > a.confirmedAt || a.confirmedAt > a.issuedAt || a.issuedAt > signedAt;
        }
        if (rule == Rule.Validity) return nowAt < a.validAfter || nowAt > a.validUntil || nowAt < signedAt;
        if (rule == Rule.EpochTimes) {
            SignerEpochs.Epoch memory e = verifier.epoch(a.signerEpoch);
            return a.issuedAt < e.activeFrom || signedAt > e.signUntil || nowAt > e.acceptUntil;
        }
        if (rule == Rule.EpochRevoked) return epochRevoked[a.signerEpoch];
        if (rule == Rule.Held) return k.held;
        if (rule == Rule.Revision) return a.revision < k.minRevision;
        if (rule == Rule.Supersedes) return (a.revision == 0) != (a.supersedes == 0);
        if (rule == Rule.Notice) {
            return announcedAt[a.signerEpoch] != 0 && nowAt < announcedAt[a.signerEpoch] + notice();
        }
        // The cover's own, which its handler sees to.
        if (rule == Rule.Veto) return false;
        return k.payouts > 0;
    }
}
