// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {DemoToken} from "../../src/demo/DemoToken.sol";
import {ParametricCover} from "../../src/ParametricCover.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// A funded cover with one policy on which a loss can be claimed now.
abstract contract CoverFixture is Fixture {
    uint256 internal constant CAPITAL = 1_000_000e6;
    uint256 internal constant SUM = 10_000e6;
    bytes32 internal constant TERMS = keccak256("terms");
    address internal constant UNDERWRITER = address(0x0bd2);
    address internal constant HOLDER = address(0x401d);

    uint64 internal constant INCEPTION = NOW - 10 * DAY;
    uint64 internal constant EXPIRY = NOW + 10 * DAY;
    uint64 internal constant WAITING = 3 * DAY;
    uint64 internal constant CLAIM_DEADLINE = 30 * DAY;
    uint64 internal constant SETTLEMENT = 40 * DAY;

    DemoToken internal token;
    ParametricCover internal cover;
    uint256 internal policyNumber;

    function setUp() public virtual override {
        super.setUp();
        token = new DemoToken();
        cover = new ParametricCover(config());
        fund(CAPITAL);
        vm.warp(INCEPTION);
        policyNumber = buy(HOLDER, SUM, INCEPTION, EXPIRY);
        vm.warp(NOW);
    }

    function veto() internal pure virtual returns (uint64) {
        return 0;
    }

    function config() internal view returns (ParametricCover.Config memory) {
        return ParametricCover.Config({
            verifier: verifier,
            token: IERC20(address(token)),
            underwriter: UNDERWRITER,
            termsHash: TERMS,
            premiumBps: 250,
            waitingSeconds: WAITING,
            claimDeadlineSeconds: CLAIM_DEADLINE,
            settlementSeconds: SETTLEMENT,
            vetoSeconds: veto(),
            maxTermSeconds: 365 * DAY,
            policyCap: uint128(20_000e6),
            dailyCap: uint128(30_000e6)
        });
    }

    function fund(uint256 amount) internal {
        token.mint(UNDERWRITER, amount);
        vm.startPrank(UNDERWRITER);
        token.approve(address(cover), amount);
        cover.fund(amount);
        vm.stopPrank();
    }

    function buy(address holder, uint256 sum, uint64 inception, uint64 expiry) internal returns (uint256 id) {
        uint256 premium = cover.premiumFor(sum);
        token.mint(holder, premium);
        vm.startPrank(holder);
        token.approve(address(cover), premium);
        id = cover.buy(sum, inception, expiry);
        vm.stopPrank();
    }

    /// A claim on the policy that `setUp` bought.
    function lossOf(uint256 id, string memory eventName, uint64 fraction)
        internal
        view
        returns (ClaimAttestation memory a)
    {
        ParametricCover.Policy memory policy = cover.policy(id);
        a = sample();
        a.policyId = cover.policyIdOf(id);
        a.termsHash = TERMS;
        a.eventId = keccak256(bytes(eventName));
        a.consumer = address(cover);
        a.payoutFraction = fraction;
        a.windowStart = policy.inception + WAITING;
        a.windowEnd = policy.expiry;
    }

    function claim(ClaimAttestation memory a) internal returns (uint256) {
        return cover.claim(a, signed(a));
    }

    /// Expects a refusal that moved nothing and consumed nothing.
    function claimRefused(ClaimAttestation memory a, bytes memory reason) internal {
        bytes memory signatures = signed(a);
        uint256 balance = token.balanceOf(address(cover));
        bool before = verifier.consumed(verifier.claimKeyOf(a));
        vm.expectRevert(reason);
        cover.claim(a, signatures);
        vm.assertEq(token.balanceOf(address(cover)), balance, "a refusal paid");
        vm.assertTrue(verifier.consumed(verifier.claimKeyOf(a)) == before, "a refusal consumed");
        solvent();
    }

    function solvent() internal view {
        vm.assertEq(
            token.balanceOf(address(cover)), cover.capital() + cover.escrowed(), "the books and the balance differ"
        );
    }
}
