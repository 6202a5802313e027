// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ClaimAttestation} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";
import {GifResponses} from "./GifResponse.sol";
import {GifV2Component, IGifV2Registry} from "./GifV2Component.sol";
import {StatementConsumer} from "./StatementConsumer.sol";

interface IGifV2Query {
    function getProcessId(uint256 requestId) external view returns (bytes32 processId);
}

interface IGifV2OracleService {
    function respond(uint256 requestId, bytes calldata data) external;
}

/// An oracle of Etherisc's GIF v2. A product asks about one of its processes (an application or a policy there); the answer is
/// what a quorum says of it under this oracle's terms. Which process is asked about is told by GIF, which lets a product
/// ask about its own only, and not by what the product sends.
contract GifV2Oracle is StatementConsumer, GifV2Component {
    using SafeCast for uint256;

    event Asked(uint256 indexed requestId, bytes32 indexed policyId);
    event Answered(uint256 indexed requestId, bytes32 indexed policyId, bytes32 claimKey);

    error NotQuery(address caller);
    error NotAsked(bytes32 policyId);
    error TooEarlyToClose(uint64 issuedAt, uint64 windowEnd);
    error OlderThanQuestion(uint64 issuedAt, uint64 askedAt);

    struct Question {
        bool open;
        uint64 askedAt;
        uint184 requestId;
    }

    /// The latest question about a policy is the one that is answered: GIF does not tell when one is cancelled.
    mapping(bytes32 policyId => Question) public questions;

    constructor(ITocsinVerifier verifier_, bytes32 termsHash_, IGifV2Registry registry_, bytes32 name_, address owner_)
        StatementConsumer(verifier_, termsHash_)
        GifV2Component(registry_, name_, owner_)
    {
        if (address(registry_) == address(0) || owner_ == address(0)) revert ZeroAddress();
    }

    /// GIF asks; the input is not looked at.
    function request(uint256 requestId, bytes calldata) external {
        address query = _moduleAt("Query");
        if (msg.sender != query) revert NotQuery(msg.sender);
        bytes32 policyId = policyIdOf(IGifV2Query(query).getProcessId(requestId));
        questions[policyId] = Question({open: true, askedAt: uint64(block.timestamp), requestId: requestId.toUint184()});
        emit Asked(requestId, policyId);
    }

    /// What attestations call a process of this instance.
    function policyIdOf(bytes32 processId) public view returns (bytes32) {
        return _policyId(_moduleAt("Query"), uint256(processId));
    }

    function _onTriggered(ClaimAttestation calldata a, bytes32 claimKey) internal override {
        _answer(a.policyId, claimKey, GifResponses.triggered(a, claimKey));
    }

    /// Only when the cover is over, and the question was asked before, does it close the question that nothing happened.
    function _onNotTriggered(ClaimAttestation calldata a) internal override {
        uint64 askedAt = questions[a.policyId].askedAt;
        if (a.issuedAt < a.windowEnd) revert TooEarlyToClose(a.issuedAt, a.windowEnd);
        if (a.issuedAt < askedAt) revert OlderThanQuestion(a.issuedAt, askedAt);
        _answer(a.policyId, 0, GifResponses.notTriggered(a.policyId));
    }

    function _answer(bytes32 policyId, bytes32 claimKey, bytes memory response) private {
        Question memory question = questions[policyId];
        if (!question.open) revert NotAsked(policyId);
        delete questions[policyId];
        emit Answered(question.requestId, policyId, claimKey);
        IGifV2OracleService(_moduleAt("OracleService")).respond(question.requestId, response);
    }
}
