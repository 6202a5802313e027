// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";
import {GifResponses} from "./GifResponse.sol";
import {StatementConsumer} from "./StatementConsumer.sol";

/// An oracle component of GIF v3, as its `BasicOracle` has it: who may call is up to GIF's access manager.
interface IGifV3Oracle {
    function respond(uint64 requestId, bytes calldata responseData) external;
}

/// Where a GIF v3 instance remembers requests.
interface IGifV3InstanceReader {
    struct RequestInfo {
        uint96 requesterNftId;
        uint96 oracleNftId;
        bool isCancelled;
        uint40 respondedAt;
        uint40 expiredAt;
        string callbackMethodName;
        bytes requestData;
        bytes responseData;
    }

    function getRequestInfo(uint64 requestId) external view returns (RequestInfo memory);
    function getRequestState(uint64 requestId) external view returns (uint8);
}

/// Answers the requests to one oracle component of Etherisc's GIF v3, on whose behalf it may call `respond`. A request's
/// data is the ABI encoding of the Tocsin policy id that it asks about. GIF itself sees to it that a request is answered
/// once, before it expires, and not after it was cancelled. It notes a callback that failed, and goes on; here that
/// reverts, so that a claim is not consumed for a product that did not hear of it.
contract GifV3Responder is StatementConsumer {
    event Answered(uint64 indexed requestId, bytes32 indexed policyId, bytes32 claimKey);

    error NotChosen(bytes32 policyId);
    error OlderThanChoice(uint64 issuedAt, uint64 chosenAt);
    error TooEarlyToClose(uint64 issuedAt, uint64 windowEnd);
    error RequestIsOver(uint64 requestId);
    error OtherOracle(uint64 requestId, uint96 asked, uint96 expected);
    error OtherProduct(uint64 requestId, uint96 asking, uint96 expected);
    error StillOpen(uint64 requestId);
    error CallbackFailed(uint64 requestId, uint8 state);

    /// GIF's state of a request that was answered and heard.
    uint8 public constant FULFILLED = 70;

    IGifV3Oracle public immutable oracle;
    /// The component's identity in GIF's registry.
    uint96 public immutable oracleNftId;
    /// The product whose requests are answered: another one's may ask about the same policy, and must not get the claim.
    uint96 public immutable productNftId;
    IGifV3InstanceReader public immutable instanceReader;

    struct Choice {
        uint64 requestId;
        /// Zero where there is none.
        uint64 chosenAt;
    }

    /// The request that a policy's next statement answers.
    mapping(bytes32 policyId => Choice) public choices;

    constructor(
        ITocsinVerifier verifier_,
        bytes32 termsHash_,
        IGifV3Oracle oracle_,
        uint96 oracleNftId_,
        uint96 productNftId_,
        IGifV3InstanceReader instanceReader_
    ) StatementConsumer(verifier_, termsHash_) {
        if (address(oracle_) == address(0) || address(instanceReader_) == address(0)) {
            revert ZeroAddress();
        }
        oracle = oracle_;
        oracleNftId = oracleNftId_;
        productNftId = productNftId_;
        instanceReader = instanceReader_;
    }

    /// Names the open request that the next statement about its policy answers. Anybody may: the request itself says which
    /// policy it asks about. A choice stands until its request is over.
    function choose(uint64 requestId) external returns (bytes32 policyId) {
        IGifV3InstanceReader.RequestInfo memory info = instanceReader.getRequestInfo(requestId);
        if (info.oracleNftId != oracleNftId) revert OtherOracle(requestId, info.oracleNftId, oracleNftId);
        if (info.requesterNftId != productNftId) revert OtherProduct(requestId, info.requesterNftId, productNftId);
        if (_isOver(info)) revert RequestIsOver(requestId);
        policyId = abi.decode(info.requestData, (bytes32));
        Choice memory current = choices[policyId];
        if (current.chosenAt != 0) {
            // Choosing again does not make what was signed since too old.
            if (current.requestId == requestId) return policyId;
            if (!_isOver(instanceReader.getRequestInfo(current.requestId))) revert StillOpen(current.requestId);
        }
        choices[policyId] = Choice({requestId: requestId, chosenAt: uint64(block.timestamp)});
    }

    function _onTriggered(ClaimAttestation calldata a, bytes32 claimKey) internal override {
        _answer(a.policyId, claimKey, GifResponses.triggered(a, claimKey));
    }

    /// Only when the cover is over, and the request was chosen before, does it close the request that nothing happened: GIF does
    /// not tell when a request was made.
    function _onNotTriggered(ClaimAttestation calldata a) internal override {
        uint64 chosenAt = choices[a.policyId].chosenAt;
        if (a.issuedAt < a.windowEnd) revert TooEarlyToClose(a.issuedAt, a.windowEnd);
        if (a.issuedAt < chosenAt) revert OlderThanChoice(a.issuedAt, chosenAt);
        _answer(a.policyId, 0, GifResponses.notTriggered(a.policyId));
    }

    function _answer(bytes32 policyId, bytes32 claimKey, bytes memory response) private {
        Choice memory choice = choices[policyId];
        if (choice.chosenAt == 0) revert NotChosen(policyId);
        delete choices[policyId];
        emit Answered(choice.requestId, policyId, claimKey);
        oracle.respond(choice.requestId, response);
        uint8 state = instanceReader.getRequestState(choice.requestId);
        if (state != FULFILLED) revert CallbackFailed(choice.requestId, state);
    }

    function _isOver(IGifV3InstanceReader.RequestInfo memory info) private view returns (bool) {
        return info.isCancelled || info.respondedAt != 0 || info.expiredAt < block.timestamp;
    }
}
