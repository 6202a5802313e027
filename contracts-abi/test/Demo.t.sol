// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {DemoAggregator} from "../src/demo/DemoAggregator.sol";
import {DemoToken} from "../src/demo/DemoToken.sol";
import {vm} from "./support/Vm.sol";

/// The demonstration's feed and token look like the real ones.
contract DemoTest {
    DemoAggregator private feed = new DemoAggregator("USDC / USD");

    function test_a_post_is_an_answer_update() public {
        vm.assertEq(
            DemoAggregator.AnswerUpdated.selector,
            bytes32(0x0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f),
            "topic of the AnswerUpdated event that Chainlink's aggregators emit"
        );
        vm.expectEmit(address(feed));
        emit DemoAggregator.AnswerUpdated(88_000_000, 7, 1_678_500_000);
        feed.post(88_000_000, 7, 1_678_500_000);

        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        vm.assertEq(id, 7, "round");
        vm.assertTrue(answer == 88_000_000, "answer");
        vm.assertEq(startedAt, 1_678_500_000, "startedAt");
        vm.assertEq(updatedAt, 1_678_500_000, "updatedAt");
        vm.assertEq(answeredIn, 7, "answeredInRound");
        vm.assertEq(feed.decimals(), 8, "decimals");
        vm.assertEq(feed.description(), "USDC / USD", "description");
    }

    function test_rounds_may_come_out_of_order_and_in_the_same_second() public {
        feed.post(1, 9, 100);
        feed.post(-2, 8, 100);
        (uint80 id,,,,) = feed.latestRoundData();
        vm.assertEq(id, 9, "the highest round is the latest");
        (, int256 answer,,,) = feed.getRoundData(8);
        vm.assertTrue(answer == -2, "answer of the late round");
    }

    function test_a_round_is_answered_once() public {
        feed.post(1, 1, 100);
        vm.expectRevert(abi.encodeWithSelector(DemoAggregator.RoundExists.selector, 1));
        feed.post(2, 1, 200);
        vm.expectRevert(abi.encodeWithSelector(DemoAggregator.MissingUpdateTime.selector));
        feed.post(2, 2, 0);
        vm.expectRevert(abi.encodeWithSelector(DemoAggregator.NoData.selector, 2));
        feed.getRoundData(2);
    }

    function test_only_the_owner_posts() public {
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(0xbad)));
        feed.post(1, 1, 1);
    }

    function test_the_token_has_six_decimals() public {
        DemoToken token = new DemoToken();
        token.mint(address(this), 5);
        vm.assertEq(token.decimals(), 6, "decimals");
        vm.assertEq(token.balanceOf(address(this)), 5, "minted");
    }
}
