// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {AttestedFeed} from "../../src/adapters/AttestedFeed.sol";
import {vm} from "../../test/support/Vm.sol";
import {Published} from "./Published.sol";

interface IAggregatorV2V3 {
    function latestAnswer() external view returns (int256);
    function latestTimestamp() external view returns (uint256);
    function latestRound() external view returns (uint256);
    function getAnswer(uint256 roundId) external view returns (int256);
    function getTimestamp(uint256 roundId) external view returns (uint256);
    function decimals() external view returns (uint8);
    function description() external view returns (string memory);
    function version() external view returns (uint256);
    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80);
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80);
}

interface IAggregatorProxy is IAggregatorV2V3 {
    function proposeAggregator(address aggregator) external;
    function confirmAggregator(address aggregator) external;
    function phaseId() external view returns (uint16);
}

/// The proxy and the consumer that Chainlink publishes read the feed, directly and through each other.
contract ChainlinkTest is Published {
    bytes32 private constant POLICY = keccak256("a policy on a feed");

    AttestedFeed private feed;
    IAggregatorProxy private proxy;
    IAggregatorV2V3 private direct;
    IAggregatorV2V3 private proxied;

    function setUp() public override {
        super.setUp();
        feed = new AttestedFeed(verifier, TERMS, POLICY, "a policy");
        proxy = IAggregatorProxy(deploy("DataFeedsLegacyAggregatorProxy", abi.encode(feed)));
        direct = IAggregatorV2V3(deploy("FeedConsumer", abi.encode(feed)));
        proxied = IAggregatorV2V3(deploy("FeedConsumer", abi.encode(proxy)));
    }

    function test_what_is_not_known_is_no_answer_anywhere() public view {
        IAggregatorV2V3[3] memory readers = [IAggregatorV2V3(proxy), direct, proxied];
        for (uint256 i = 0; i < readers.length; ++i) {
            refuses(readers[i], abi.encodeCall(IAggregatorV2V3.latestRoundData, ()));
            refuses(readers[i], abi.encodeCall(IAggregatorV2V3.latestAnswer, ()));
        }
    }

    function test_all_functions_through_proxy_and_consumer() public {
        ClaimAttestation memory no = nothing(feed, POLICY);
        file(feed, no);
        ClaimAttestation memory yes = loss(feed, POLICY);
        yes.issuedAt = NOW;
        file(feed, yes);
        reads(direct, 0, yes, no);
        reads(proxied, 1, yes, no);
        reads(proxy, 1, yes, no);
    }

    function test_the_proxy_moves_to_a_new_feed_and_keeps_the_old_rounds() public {
        file(feed, loss(feed, POLICY));
        AttestedFeed next = new AttestedFeed(verifier, TERMS, POLICY, "the same policy, from here on");
        proxy.proposeAggregator(address(next));
        proxy.confirmAggregator(address(next));
        vm.assertEq(proxy.phaseId(), 2, "phase");
        refuses(proxied, abi.encodeCall(IAggregatorV2V3.latestRoundData, ()));
        (, int256 answer,,,) = proxied.getRoundData((1 << 64) | 1);
        vm.assertEq(uint256(answer), 0.25e18, "the old feed's round");
        ClaimAttestation memory no = nothing(next, POLICY);
        file(next, no);
        (uint80 id, int256 latest,,,) = proxied.latestRoundData();
        vm.assertTrue(id == (2 << 64) | 1 && latest == 0, "the new feed's round");
    }

    function reads(IAggregatorV2V3 reader, uint80 phase, ClaimAttestation memory yes, ClaimAttestation memory no)
        private
        view
    {
        uint80 first = phase << 64 | 1;
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = reader.latestRoundData();
        vm.assertTrue(id == first + 1 && answeredIn == id, "round");
        vm.assertEq(uint256(answer), yes.payoutFraction, "answer");
        vm.assertEq(startedAt, yes.occurredAt, "startedAt");
        vm.assertEq(updatedAt, yes.issuedAt, "updatedAt");
        (id, answer,, updatedAt,) = reader.getRoundData(first);
        vm.assertTrue(id == first && answer == 0, "first round");
        vm.assertEq(updatedAt, no.issuedAt, "updatedAt of the first");
        vm.assertEq(uint256(reader.latestAnswer()), yes.payoutFraction, "latestAnswer");
        vm.assertEq(reader.latestTimestamp(), yes.issuedAt, "latestTimestamp");
        vm.assertEq(reader.latestRound(), first + 1, "latestRound");
        vm.assertEq(uint256(reader.getAnswer(first + 1)), yes.payoutFraction, "getAnswer");
        vm.assertEq(reader.getTimestamp(first), no.issuedAt, "getTimestamp");
        vm.assertEq(reader.decimals(), 18, "decimals");
        vm.assertEq(reader.version(), 1, "version");
        vm.assertEq(reader.description(), "a policy", "description");
    }

    function refuses(IAggregatorV2V3 reader, bytes memory call) private view {
        (bool answered,) = address(reader).staticcall(call);
        vm.assertFalse(answered, "an answer that nobody gave");
    }
}
