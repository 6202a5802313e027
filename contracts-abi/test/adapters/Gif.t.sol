// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {GifResponse} from "../../src/adapters/GifResponse.sol";
import {GifV2Component, IGifV2Registry} from "../../src/adapters/GifV2Component.sol";
import {GifV2Oracle} from "../../src/adapters/GifV2Oracle.sol";
import {GifV3Responder, IGifV3InstanceReader, IGifV3Oracle} from "../../src/adapters/GifV3Responder.sol";
import {AdapterFixture} from "../support/AdapterFixture.sol";
import {vm} from "../support/Vm.sol";

/// Etherisc's modules of v2 and v3 in one, re-created by interface. The real ones of v2 are in third-party/.
contract RecordingGif is IGifV2Registry, IGifV3Oracle, IGifV3InstanceReader {
    uint256 public responses;
    uint256 public lastRequest;
    bool public productIsBroken;
    GifResponse private _last;
    mapping(uint256 requestId => bytes32) public getProcessId;
    mapping(uint64 requestId => RequestInfo) private _requests;
    mapping(uint64 requestId => uint8) public getRequestState;

    function getContract(bytes32) external view returns (address) {
        return address(this);
    }

    function getComponentState(uint256 componentId) external pure returns (uint8) {
        return uint8(componentId);
    }

    function last() external view returns (GifResponse memory) {
        return _last;
    }

    function breakProduct() external {
        productIsBroken = true;
    }

    function ask(GifV2Oracle oracle, uint256 requestId, bytes32 processId) external {
        getProcessId[requestId] = processId;
        oracle.request(requestId, "");
    }

    function introduce(GifV2Component oracle) external {
        oracle.setId(3);
        oracle.proposalCallback();
        oracle.approvalCallback();
    }

    function respond(uint256 requestId, bytes calldata data) external {
        require(!productIsBroken, "product");
        _record(requestId, data);
    }

    function respond(uint64 requestId, bytes calldata data) external {
        _requests[requestId].respondedAt = uint40(block.timestamp);
        getRequestState[requestId] = productIsBroken ? 80 : 70;
        if (!productIsBroken) _record(requestId, data);
    }

    function ask(uint64 requestId, uint96 oracleNftId, uint96 productNftId, bytes32 policyId) external {
        RequestInfo storage info = _requests[requestId];
        info.requesterNftId = productNftId;
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
    bytes32 private constant PROCESS = keccak256("a GIF v2 process");
    bytes32 private constant POLICY = keccak256("a policy of a GIF v3 product");
    uint96 private constant ORACLE_NFT = 73;
    uint96 private constant PRODUCT_NFT = 43;

    RecordingGif private gif;
    GifV2Oracle private v2;
    GifV3Responder private v3;
    bytes32 private processPolicy;

    function setUp() public override {
        super.setUp();
        gif = new RecordingGif();
        v2 = new GifV2Oracle(verifier, TERMS, gif, "Tocsin", OWNER);
        v3 = new GifV3Responder(verifier, TERMS, gif, ORACLE_NFT, PRODUCT_NFT, gif);
        processPolicy = v2.policyIdOf(PROCESS);
    }

    function test_v2_is_a_component() public {
        gif.introduce(v2);
        vm.assertTrue(v2.isOracle() && !v2.isProduct() && !v2.isRiskpool() && v2.getType() == 0, "an oracle");
        vm.assertTrue(v2.getId() == 3 && v2.getState() == 3 && v2.getName() == "Tocsin", "as registered");
        vm.assertEq(v2.getOwner(), OWNER, "owner");
        vm.assertEq(address(v2.getRegistry()), address(gif), "registry");
        vm.expectRevert(abi.encodeWithSelector(GifV2Component.NotComponentModule.selector, address(this)));
        v2.setId(4);
    }

    function test_v2_keeps_the_rules() public {
        gif.ask(v2, 0, PROCESS);
        keepsTheRules(v2, loss(v2, processPolicy));
    }

    function test_v3_keeps_the_rules() public {
        gif.ask(1, ORACLE_NFT, PRODUCT_NFT, POLICY);
        v3.choose(1);
        keepsTheRules(v3, loss(v3, POLICY));
    }

    function test_v2_answers_what_happened() public {
        gif.ask(v2, 5, PROCESS);
        ClaimAttestation memory a = loss(v2, processPolicy);
        file(v2, a);
        answered(5, a, keyOf(a));
        gif.ask(v2, 6, PROCESS);
    }

    function test_v3_answers_what_happened() public {
        gif.ask(7, ORACLE_NFT, PRODUCT_NFT, POLICY);
        vm.assertEq(v3.choose(7), POLICY, "the request names the policy");
        ClaimAttestation memory a = loss(v3, POLICY);
        fileInBatch(v3, a);
        answered(7, a, keyOf(a));
    }

    /// What GIF cancelled it does not say, so a product that asks again is answered there.
    function test_v2_the_latest_question_is_answered() public {
        gif.ask(v2, 1, PROCESS);
        gif.ask(v2, 2, PROCESS);
        ClaimAttestation memory a = loss(v2, processPolicy);
        file(v2, a);
        answered(2, a, keyOf(a));
        a.eventId = keccak256("another");
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.NotAsked.selector, processPolicy));
    }

    function test_v2_a_no_closes_once_the_cover_is_over() public {
        gif.ask(v2, 0, PROCESS);
        ClaimAttestation memory a = over(nothing(v2, processPolicy));
        file(v2, a);
        closed(0, processPolicy);
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.NotAsked.selector, processPolicy));
    }

    function test_a_no_before_the_end_of_the_cover_closes_nothing() public {
        gif.ask(v2, 0, PROCESS);
        ClaimAttestation memory a = over(nothing(v2, processPolicy));
        a.windowEnd = a.issuedAt + 1;
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.TooEarlyToClose.selector, a.issuedAt, a.windowEnd));
        gif.ask(1, ORACLE_NFT, PRODUCT_NFT, POLICY);
        v3.choose(1);
        a = over(nothing(v3, POLICY));
        a.windowEnd = a.issuedAt + 1;
        filingRefused(v3, a, abi.encodeWithSelector(GifV3Responder.TooEarlyToClose.selector, a.issuedAt, a.windowEnd));
    }

    function test_v2_an_old_no_does_not_answer_a_new_question() public {
        ClaimAttestation memory a = over(nothing(v2, processPolicy));
        a.issuedAt = NOW - 1;
        gif.ask(v2, 1, PROCESS);
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.OlderThanQuestion.selector, NOW - 1, NOW));
    }

    function test_v3_an_old_no_does_not_answer_and_choosing_again_does_not_age_it() public {
        ClaimAttestation memory a = over(nothing(v3, POLICY));
        a.issuedAt = NOW - 1;
        gif.ask(1, ORACLE_NFT, PRODUCT_NFT, POLICY);
        v3.choose(1);
        filingRefused(v3, a, abi.encodeWithSelector(GifV3Responder.OlderThanChoice.selector, NOW - 1, NOW));
        a.issuedAt = NOW;
        vm.warp(NOW + 10);
        v3.choose(1);
        file(v3, a);
        closed(1, POLICY);
    }

    function test_v2_only_the_query_module_asks() public {
        vm.expectRevert(abi.encodeWithSelector(GifV2Oracle.NotQuery.selector, address(this)));
        v2.request(0, "");
    }

    function test_v2_nobody_asked() public {
        ClaimAttestation memory a = loss(v2, processPolicy);
        filingRefused(v2, a, abi.encodeWithSelector(GifV2Oracle.NotAsked.selector, processPolicy));
    }

    function test_a_claim_is_not_consumed_for_a_product_that_did_not_hear_of_it() public {
        gif.breakProduct();
        gif.ask(v2, 0, PROCESS);
        ClaimAttestation memory a = loss(v2, processPolicy);
        filingRefused(v2, a, abi.encodeWithSignature("Error(string)", "product"));
        gif.ask(1, ORACLE_NFT, PRODUCT_NFT, POLICY);
        v3.choose(1);
        a = loss(v3, POLICY);
        filingRefused(v3, a, abi.encodeWithSelector(GifV3Responder.CallbackFailed.selector, 1, 80));
    }

    function test_v3_chooses_only_what_is_open_and_its_own() public {
        gif.ask(1, ORACLE_NFT + 1, PRODUCT_NFT, POLICY);
        vm.expectRevert(abi.encodeWithSelector(GifV3Responder.OtherOracle.selector, 1, ORACLE_NFT + 1, ORACLE_NFT));
        v3.choose(1);
        gif.ask(1, ORACLE_NFT, PRODUCT_NFT + 1, POLICY);
        vm.expectRevert(abi.encodeWithSelector(GifV3Responder.OtherProduct.selector, 1, PRODUCT_NFT + 1, PRODUCT_NFT));
        v3.choose(1);
        gif.ask(2, ORACLE_NFT, PRODUCT_NFT, POLICY);
        gif.cancel(2);
        isOver(2);
        gif.ask(3, ORACLE_NFT, PRODUCT_NFT, POLICY);
        vm.warp(NOW + 31 days);
        isOver(3);
        vm.warp(NOW);
        v3.choose(3);
        file(v3, loss(v3, POLICY));
        isOver(3);
        ClaimAttestation memory a = loss(v3, POLICY);
        a.eventId = keccak256("another");
        filingRefused(v3, a, abi.encodeWithSelector(GifV3Responder.NotChosen.selector, POLICY));
    }

    function test_v3_a_choice_stands_until_its_request_is_over() public {
        gif.ask(1, ORACLE_NFT, PRODUCT_NFT, POLICY);
        gif.ask(2, ORACLE_NFT, PRODUCT_NFT, POLICY);
        v3.choose(1);
        vm.expectRevert(abi.encodeWithSelector(GifV3Responder.StillOpen.selector, 1));
        v3.choose(2);
        gif.cancel(1);
        v3.choose(2);
        ClaimAttestation memory a = loss(v3, POLICY);
        file(v3, a);
        answered(2, a, keyOf(a));
    }

    /// A statement of now about a cover that has just ended.
    function over(ClaimAttestation memory a) private pure returns (ClaimAttestation memory) {
        (a.issuedAt, a.windowEnd) = (NOW, NOW - 1);
        return a;
    }

    function isOver(uint64 requestId) private {
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

    function closed(uint256 requestId, bytes32 policyId) private view {
        GifResponse memory r = gif.last();
        vm.assertEq(gif.responses(), 1, "one response");
        vm.assertEq(gif.lastRequest(), requestId, "request");
        vm.assertEq(r.policyId, policyId, "policy");
        vm.assertTrue(r.claimKey == 0 && r.payoutFraction == 0 && r.occurredAt == 0, "nothing");
    }
}
