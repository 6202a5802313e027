// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {AttestedFeed} from "../../src/adapters/AttestedFeed.sol";
import {AdapterFixture} from "../support/AdapterFixture.sol";
import {vm} from "../support/Vm.sol";

/// Statements as rounds. Chainlink's own proxy and consumer read this feed in third-party/.
contract FeedTest is AdapterFixture {
    bytes32 private constant POLICY = keccak256("a policy on a feed");

    AttestedFeed private feed;

    function setUp() public override {
        super.setUp();
        feed = new AttestedFeed(verifier, TERMS, POLICY, "Depeg of USDC, payout fraction");
    }

    function test_keeps_the_rules() public {
        keepsTheRules(feed, loss(feed, POLICY));
    }

    function test_nothing_is_known_before_the_first_statement() public {
        bytes memory none = abi.encodeWithSelector(AttestedFeed.NoDataPresent.selector, 0);
        vm.expectRevert(none);
        feed.latestRoundData();
        vm.expectRevert(none);
        feed.latestAnswer();
        vm.expectRevert(none);
        feed.latestTimestamp();
        vm.expectRevert(abi.encodeWithSelector(AttestedFeed.NoDataPresent.selector, 1));
        feed.getRoundData(1);
        vm.assertEq(feed.latestRound(), 0, "no round");
    }

    function test_each_statement_is_a_round() public {
        ClaimAttestation memory no = nothing(feed, POLICY);
        file(feed, no);
        round(1, 0, no.issuedAt, no.issuedAt);
        ClaimAttestation memory yes = loss(feed, POLICY);
        yes.issuedAt = NOW;
        file(feed, yes);
        round(1, 0, no.issuedAt, no.issuedAt);
        round(2, 0.25e18, yes.occurredAt, NOW);
        vm.assertEq(uint256(feed.latestAnswer()), 0.25e18, "latest");
        vm.assertEq(feed.latestTimestamp(), NOW, "timestamp");
        vm.assertEq(uint256(feed.getAnswer(1)), 0, "answer");
        vm.assertEq(feed.getTimestamp(1), no.issuedAt, "timestamp");
        vm.expectRevert(abi.encodeWithSelector(AttestedFeed.NoDataPresent.selector, 3));
        feed.getRoundData(3);
        vm.expectRevert(abi.encodeWithSelector(AttestedFeed.NoDataPresent.selector, (1 << 64) | 1));
        feed.getRoundData((1 << 64) | 1);
    }

    function test_an_old_no_cannot_be_brought_again() public {
        ClaimAttestation memory no = nothing(feed, POLICY);
        file(feed, no);
        filingRefused(feed, no, abi.encodeWithSelector(AttestedFeed.NotNewer.selector, no.issuedAt, no.issuedAt));
        file(feed, loss(feed, POLICY));
        no.issuedAt -= 1;
        no.validAfter -= 1;
        filingRefused(feed, no, abi.encodeWithSelector(AttestedFeed.NotNewer.selector, no.issuedAt, NOW - DAY));
    }

    function test_a_loss_is_taken_even_if_a_no_was_newer() public {
        ClaimAttestation memory no = nothing(feed, POLICY);
        no.issuedAt = NOW;
        file(feed, no);
        ClaimAttestation memory yes = loss(feed, POLICY);
        file(feed, yes);
        round(2, 0.25e18, yes.occurredAt, NOW);
    }

    function test_losses_add_up_to_at_most_all_and_nothing_hides_one() public {
        uint64[4] memory fractions = [uint64(0.4e18), 0.1e18, 0, 0.9e18];
        uint256[4] memory answers = [uint256(0.4e18), 0.5e18, 0.5e18, 1e18];
        for (uint256 i = 0; i < fractions.length; ++i) {
            ClaimAttestation memory a = loss(feed, POLICY);
            a.eventId = keccak256(abi.encode(i));
            a.payoutFraction = fractions[i];
            file(feed, a);
            vm.assertEq(uint256(feed.latestAnswer()), answers[i], vm.toString(i));
        }
        ClaimAttestation memory no = nothing(feed, POLICY);
        no.issuedAt = NOW;
        file(feed, no);
        round(5, 1e18, NOW, NOW);
    }

    function test_of_one_policy() public {
        ClaimAttestation memory a = loss(feed, keccak256("another"));
        filingRefused(feed, a, abi.encodeWithSelector(AttestedFeed.OtherPolicy.selector, a.policyId, POLICY));
    }

    function round(uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt) private view {
        (uint80 id_, int256 answer_, uint256 startedAt_, uint256 updatedAt_, uint80 answeredIn) = feed.getRoundData(id);
        vm.assertTrue(id_ == id && answeredIn == id && answer_ == answer, "id and answer");
        vm.assertEq(startedAt_, startedAt, "startedAt");
        vm.assertEq(updatedAt_, updatedAt, "updatedAt");
    }
}
