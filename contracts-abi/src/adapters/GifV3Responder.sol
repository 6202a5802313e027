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
}

/// Answers the requests to one oracle component of Etherisc's GIF v3, on whose behalf it may call `respond`. A request's
/// data is the ABI encoding of the Tocsin policy id that it asks about. GIF itself sees to it that a request is answered
/// once, before it expires, and not after it was cancelled.
contract GifV3Responder is StatementConsumer {
    event Answered(uint64 indexed requestId, bytes32 indexed policyId, bytes32 claimKey);

    error NotChosen(bytes32 policyId);
    error OlderThanChoice(uint64 issuedAt, uint64 chosenAt);
    error RequestIsOver(uint64 requestId);
    error OtherOracle(uint64 requestId, uint96 asked, uint96 expected);

    IGifV3Oracle public immutable oracle;
    /// The component's identity in GIF's registry.
    uint96 public immutable oracleNftId;
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
        IGifV3InstanceReader instanceReader_
    ) StatementConsumer(verifier_, termsHash_) {
        if (address(oracle_) == address(0) || address(instanceReader_) == address(0)) {
            revert ZeroAddress();
        }
        oracle = oracle_;
        oracleNftId = oracleNftId_;
        instanceReader = instanceReader_;
    }

    /// Names the open request that the next statement about a policy answers. Anybody may: the request itself says which
    /// policy it asks about. A product should have one open request for a policy, since a claim answers one.
    function choose(uint64 requestId) external returns (bytes32 policyId) {
        IGifV3InstanceReader.RequestInfo memory info = instanceReader.getRequestInfo(requestId);
        if (info.oracleNftId != oracleNftId) revert OtherOracle(requestId, info.oracleNftId, oracleNftId);
        if (info.isCancelled || info.respondedAt != 0 || info.expiredAt < block.timestamp) {
            revert RequestIsOver(requestId);
        }
        policyId = abi.decode(info.requestData, (bytes32));
        Choice memory current = choices[policyId];
        // Choosing again does not make what was signed since too old.
        if (current.chosenAt != 0 && current.requestId == requestId) return policyId;
        choices[policyId] = Choice({requestId: requestId, chosenAt: uint64(block.timestamp)});
    }

    function _onTriggered(ClaimAttestation calldata a, bytes32 claimKey) internal override {
        _answer(a.policyId, claimKey, GifResponses.triggered(a, claimKey));
    }

    /// That nothing had happened before the request was chosen does not answer it: GIF does not tell when it was made.
    function _onNotTriggered(ClaimAttestation calldata a) internal override {
        uint64 chosenAt = choices[a.policyId].chosenAt;
        if (a.issuedAt < chosenAt) revert OlderThanChoice(a.issuedAt, chosenAt);
        _answer(a.policyId, 0, GifResponses.notTriggered(a.policyId));
    }

    function _answer(bytes32 policyId, bytes32 claimKey, bytes memory response) private {
        Choice memory choice = choices[policyId];
        if (choice.chosenAt == 0) revert NotChosen(policyId);
        delete choices[policyId];
        emit Answered(choice.requestId, policyId, claimKey);
        oracle.respond(choice.requestId, response);
    }
}
