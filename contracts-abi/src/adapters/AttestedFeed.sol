// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ClaimAttestation, ClaimAttestations} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";
import {StatementConsumer} from "./StatementConsumer.sol";

/// What a quorum says of one policy, in the shape of a Chainlink aggregator (V2 and V3), for whoever can read one. The answer
/// is the fraction of the sum insured that is lost, 18 decimals: the sum of the payout fractions of all losses so far, at
/// most 1e18. It never falls. A round is a statement.
///
/// A loss is taken once, whenever it is brought. That nothing happened is taken if it was signed after all that was taken
/// before, and says no more than that the answer is still so. `updatedAt` is when the newest was signed: a reader that wants
/// fresh answers has to look, as with any feed. Before the first statement nothing is known, and every function that
/// would give an answer reverts.
contract AttestedFeed is StatementConsumer {
    using SafeCast for uint256;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);

    error OtherPolicy(bytes32 given, bytes32 expected);
    error NotNewer(uint64 given, uint64 current);
    error NoDataPresent(uint256 roundId);

    uint8 public constant decimals = 18;
    uint256 public constant version = 1;

    bytes32 public immutable policyId;
    string public description;
    /// Rounds are numbered from 1 to this.
    uint64 private _latest;

    struct Round {
        uint64 answer;
        uint64 startedAt;
        uint64 updatedAt;
    }

    mapping(uint256 roundId => Round) private _rounds;

    constructor(ITocsinVerifier verifier_, bytes32 termsHash_, bytes32 policyId_, string memory description_)
        StatementConsumer(verifier_, termsHash_)
    {
        policyId = policyId_;
        description = description_;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _roundData(_latest);
    }

    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80) {
        return _roundData(roundId);
    }

    function latestAnswer() external view returns (int256) {
        return _answer(_known(_latest));
    }

    function latestTimestamp() external view returns (uint256) {
        return _known(_latest).updatedAt;
    }

    function latestRound() external view returns (uint256) {
        return _latest;
    }

    function getAnswer(uint256 roundId) external view returns (int256) {
        return _answer(_known(roundId));
    }

    function getTimestamp(uint256 roundId) external view returns (uint256) {
        return _known(roundId).updatedAt;
    }

    function _onTriggered(ClaimAttestation calldata a, bytes32) internal override {
        Round memory last = _rounds[_latest];
        uint256 sum = Math.min(uint256(last.answer) + a.payoutFraction, ClaimAttestations.ONE);
        uint64 updatedAt = a.issuedAt > last.updatedAt ? a.issuedAt : last.updatedAt;
        _push(a.policyId, sum.toUint64(), a.occurredAt, updatedAt);
    }

    function _onNotTriggered(ClaimAttestation calldata a) internal override {
        Round memory last = _rounds[_latest];
        if (a.issuedAt <= last.updatedAt) revert NotNewer(a.issuedAt, last.updatedAt);
        _push(a.policyId, last.answer, a.issuedAt, a.issuedAt);
    }

    function _push(bytes32 policyId_, uint64 answer, uint64 startedAt, uint64 updatedAt) private {
        if (policyId_ != policyId) revert OtherPolicy(policyId_, policyId);
        uint64 roundId = ++_latest;
        _rounds[roundId] = Round({answer: answer, startedAt: startedAt, updatedAt: updatedAt});
        emit NewRound(roundId, msg.sender, startedAt);
        emit AnswerUpdated(int256(uint256(answer)), roundId, updatedAt);
    }

    function _roundData(uint80 roundId) private view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round = _known(roundId);
        return (roundId, _answer(round), round.startedAt, round.updatedAt, roundId);
    }

    function _known(uint256 roundId) private view returns (Round memory round) {
        if (roundId == 0 || roundId > _latest) revert NoDataPresent(roundId);
        return _rounds[roundId];
    }

    function _answer(Round memory round) private pure returns (int256) {
        return int256(uint256(round.answer));
    }
}
