// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ClaimAttestation} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";
import {GifResponses} from "./GifResponse.sol";
import {StatementConsumer} from "./StatementConsumer.sol";

/// The two calls of Etherisc's GIF (v1 and v2) between its query module, an oracle and its oracle service.
interface IGifV2OracleService {
    function respond(uint256 requestId, bytes calldata data) external;
}

/// An oracle of Etherisc's GIF v2. A product asks about a policy by its Tocsin policy id; the answer is what a quorum says
/// of that policy under this oracle's terms, and each question is answered once.
contract GifV2Oracle is StatementConsumer {
    using SafeCast for uint256;

    event Asked(uint256 indexed requestId, bytes32 indexed policyId);
    event Answered(uint256 indexed requestId, bytes32 indexed policyId, bytes32 claimKey);

    error NotQuery(address caller);
    error ZeroPolicyId();
    error AlreadyAsked(bytes32 policyId);
    error NotAsked(bytes32 policyId);
    error OlderThanQuestion(uint64 issuedAt, uint64 askedAt);

    /// Asks.
    address public immutable query;
    /// Is answered.
    IGifV2OracleService public immutable oracleService;

    struct Question {
        bool open;
        uint64 askedAt;
        uint184 requestId;
    }

    /// A policy has one open question at a time: whoever files an answer names no question.
    mapping(bytes32 policyId => Question) public questions;

    constructor(ITocsinVerifier verifier_, bytes32 termsHash_, address query_, IGifV2OracleService oracleService_)
        StatementConsumer(verifier_, termsHash_)
    {
        if (query_ == address(0) || address(oracleService_) == address(0)) revert ZeroAddress();
        query = query_;
        oracleService = oracleService_;
    }

    /// GIF asks. `input` is the ABI encoding of the policy id, one word.
    function request(uint256 requestId, bytes calldata input) external {
        if (msg.sender != query) revert NotQuery(msg.sender);
        bytes32 policyId = abi.decode(input, (bytes32));
        if (policyId == 0) revert ZeroPolicyId();
        if (questions[policyId].open) revert AlreadyAsked(policyId);
        questions[policyId] = Question({open: true, askedAt: uint64(block.timestamp), requestId: requestId.toUint184()});
        emit Asked(requestId, policyId);
    }

    function _onTriggered(ClaimAttestation calldata a, bytes32 claimKey) internal override {
        _answer(a.policyId, claimKey, GifResponses.triggered(a, claimKey));
    }

    /// That nothing had happened before the question was asked does not answer it.
    function _onNotTriggered(ClaimAttestation calldata a) internal override {
        uint64 askedAt = questions[a.policyId].askedAt;
        if (a.issuedAt < askedAt) revert OlderThanQuestion(a.issuedAt, askedAt);
        _answer(a.policyId, 0, GifResponses.notTriggered(a.policyId));
    }

    function _answer(bytes32 policyId, bytes32 claimKey, bytes memory response) private {
        Question memory question = questions[policyId];
        if (!question.open) revert NotAsked(policyId);
        delete questions[policyId];
        emit Answered(question.requestId, policyId, claimKey);
        oracleService.respond(question.requestId, response);
    }
}
