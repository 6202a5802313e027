// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {GifResponse} from "../../src/adapters/GifResponse.sol";
import {GifV2Oracle, IGifV2OracleService} from "../../src/adapters/GifV2Oracle.sol";
import {GifV3Responder, IGifV3InstanceReader, IGifV3Oracle} from "../../src/adapters/GifV3Responder.sol";
import {AdapterFixture} from "../support/AdapterFixture.sol";
import {vm} from "../support/Vm.sol";

/// Etherisc's oracle service, re-created by interface. The real one of v2 is in third-party/.
contract RecordingGif is IGifV2OracleService, IGifV3Oracle, IGifV3InstanceReader {
    uint256 public responses;
    uint256 public lastRequest;
    GifResponse private _last;
    mapping(uint64 requestId => RequestInfo) private _requests;

    function last() external view returns (GifResponse memory) {
        return _last;
    }

    function respond(uint256 requestId, bytes calldata data) external {
        _record(requestId, data);
    }

    function respond(uint64 requestId, bytes calldata data) external {
        _requests[requestId].respondedAt = uint40(block.timestamp);
        _record(requestId, data);
    }

    function ask(uint64 requestId, uint96 oracleNftId, bytes32 policyId) external {
        RequestInfo storage info = _requests[requestId];
        info.oracleNftId = oracleNftId;
        info.expiredAt = uint40(block.timestamp + 30 days);
        info.requestData = abi.encode(policyId);
    }

    function cancel(uint64 requestId) external {
        _requests[requestId].isCancelled = true;
    }

    function getRequestInfo(uint64 requestId) external view returns (RequestInfo memory) {
        return _requests[requestId];
    }

    function _record(uint256 requestId, bytes calldata data) private {
        ++responses;
        lastRequest = requestId;
        _last = abi.decode(data, (GifResponse));
    }
}

/// A product asks, a quorum answers, once.
contract GifTest is AdapterFixture {
    bytes32 private constant POLICY = keccak256("a GIF policy");
    uint96 private constant ORACLE_NFT = 73;
    address private constant QUERY = address(0x9e59);

    RecordingGif private gif;
    GifV2Oracle private v2;
    GifV3Responder private v3;

    function setUp() public override {
        super.setUp();
        gif = new RecordingGif();
        v2 = new GifV2Oracle(verifier, TERMS, QUERY, gif);
        v3 = new GifV3Responder(verifier, TERMS, gif, ORACLE_NFT, gif);
    }

    function test_v2_keeps_the_rules() public {
        ask(0, POLICY);
        keepsTheRules(v2, loss(v2, POLICY));
    }

    function test_v3_keeps_the_rules() public {
        gif.ask(1, ORACLE_NFT, POLICY);
        v3.choose(1);
        keepsTheRules(v3, loss(v3, POLICY));
    }

    function test_v2_answers_what_happened() public {
        ask(5, POLICY);
        ClaimAttestation memory a = loss(v2, POLICY);
        file(v2, a);
        answered(5, a, keyOf(a));
        ask(6, POLICY);
    }

    function test_v3_answers_what_happened() public {
        gif.ask(7, ORACLE_NFT, POLICY);
        vm.assertEq(v3.choose(7), POLICY, "the request names the policy");
        ClaimAttestation memory a = loss(v3, POLICY);
        fileInBatch(v3, a);
        answered(7, a, keyOf(a));
    }

    function test_v2_answers_that_nothing_happened_once() public {
        ask(0, POLICY);
        ClaimAttestation memory a = nothing(v2, POLICY);
        a.issuedAt = NOW;
        file(v2, a);
        closed(0);
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.NotAsked.selector, POLICY));
    }

    function test_v2_an_old_no_does_not_answer_a_new_question() public {
        ClaimAttestation memory a = nothing(v2, POLICY);
        ask(1, POLICY);
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.OlderThanQuestion.selector, a.issuedAt, NOW));
    }

    function test_v3_an_old_no_does_not_answer_and_choosing_again_does_not_age_it() public {
        ClaimAttestation memory a = nothing(v3, POLICY);
        gif.ask(1, ORACLE_NFT, POLICY);
        v3.choose(1);
        filingRefused(v3, a, abi.encodeWithSelector(GifV3Responder.OlderThanChoice.selector, a.issuedAt, NOW));
        a.issuedAt = NOW;
        vm.warp(NOW + 10);
        v3.choose(1);
        file(v3, a);
        closed(1);
    }

    function test_v2_only_the_query_module_asks() public {
        vm.expectRevert(abi.encodeWithSelector(GifV2Oracle.NotQuery.selector, address(this)));
        v2.request(0, abi.encode(POLICY));
    }

    function test_v2_one_open_question_for_a_policy() public {
        ask(0, POLICY);
        vm.prank(QUERY);
        vm.expectRevert(abi.encodeWithSelector(GifV2Oracle.AlreadyAsked.selector, POLICY));
        v2.request(1, abi.encode(POLICY));
    }

    function test_v2_nobody_asked() public {
        ClaimAttestation memory a = loss(v2, POLICY);
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.NotAsked.selector, POLICY));
    }

    function test_v3_chooses_only_what_is_open_and_its_own() public {
        gif.ask(1, ORACLE_NFT + 1, POLICY);
        vm.expectRevert(abi.encodeWithSelector(GifV3Responder.OtherOracle.selector, 1, ORACLE_NFT + 1, ORACLE_NFT));
        v3.choose(1);
        gif.ask(2, ORACLE_NFT, POLICY);
        gif.cancel(2);
        over(2);
        gif.ask(3, ORACLE_NFT, POLICY);
        vm.warp(NOW + 31 days);
        over(3);
        vm.warp(NOW);
        v3.choose(3);
        file(v3, loss(v3, POLICY));
        over(3);
        ClaimAttestation memory a = loss(v3, POLICY);
        a.eventId = keccak256("another");
        filingRefused(v3, a, abi.encodeWithSelector(GifV3Responder.NotChosen.selector, POLICY));
    }

    function ask(uint256 requestId, bytes32 policyId) private {
        vm.prank(QUERY);
        v2.request(requestId, abi.encode(policyId));
    }

    function over(uint64 requestId) private {
        vm.expectRevert(abi.encodeWithSelector(GifV3Responder.RequestIsOver.selector, requestId));
        v3.choose(requestId);
    }

    function answered(uint256 requestId, ClaimAttestation memory a, bytes32 key) private view {
        GifResponse memory r = gif.last();
        vm.assertEq(gif.lastRequest(), requestId, "request");
        vm.assertEq(r.policyId, a.policyId, "policy");
        vm.assertEq(r.claimKey, key, "claim key");
        vm.assertEq(r.payoutFraction, a.payoutFraction, "fraction");
        vm.assertEq(uint256(r.measuredValue), uint256(a.measuredValue), "value");
        vm.assertEq(r.occurredAt, a.occurredAt, "occurred");
        vm.assertEq(r.confirmedAt, a.confirmedAt, "confirmed");
    }

    function closed(uint256 requestId) private view {
        GifResponse memory r = gif.last();
        vm.assertEq(gif.responses(), 1, "one response");
        vm.assertEq(gif.lastRequest(), requestId, "request");
        vm.assertEq(r.policyId, POLICY, "policy");
        vm.assertTrue(r.claimKey == 0 && r.payoutFraction == 0 && r.occurredAt == 0, "nothing");
    }
}
