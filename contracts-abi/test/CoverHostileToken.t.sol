// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {DemoToken} from "../src/demo/DemoToken.sol";
import {ParametricCover} from "../src/ParametricCover.sol";
import {CoverFixture} from "./support/CoverFixture.sol";
import {HostileToken} from "./support/HostileToken.sol";
import {vm} from "./support/Vm.sol";

/// Tokens that keep a part of what they move, or call back while they move it.
contract CoverHostileTokenTest is CoverFixture {
    HostileToken private hostile;

    /// The same product as in the other tests, over a token that behaves until it is told not to.
    function setUp() public override {
        super.setUp();
        hostile = new HostileToken();
        token = DemoToken(address(hostile));
        ParametricCover.Config memory c = config();
        c.token = IERC20(address(hostile));
        cover = new ParametricCover(c);
        fund(CAPITAL);
        vm.warp(INCEPTION);
        policyNumber = buy(HOLDER, SUM, INCEPTION, EXPIRY);
        vm.warp(NOW);
    }

    function test_a_fee_on_transfer_is_refused_at_every_door_in() public {
        hostile.setFee(100);
        hostile.mint(UNDERWRITER, 1000);
        vm.startPrank(UNDERWRITER);
        hostile.approve(address(cover), 1000);
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.TokenTookFee.selector, 1000, 990));
        cover.fund(1000);
        vm.stopPrank();

        uint256 premium = cover.premiumFor(SUM);
        hostile.mint(address(this), premium);
        hostile.approve(address(cover), premium);
        vm.expectRevert(abi.encodeWithSelector(ParametricCover.TokenTookFee.selector, premium, premium - premium / 100));
        cover.buy(SUM, NOW, EXPIRY);
        solvent();
    }

    function test_no_reentry_while_a_claim_is_paid() public {
        ClaimAttestation memory a = lossOf(policyNumber, "first", 0.5e18);
        bytes memory signatures = signed(a);
        ClaimAttestation memory b = lossOf(policyNumber, "second", 0.5e18);
        bytes[5] memory calls = [
            abi.encodeCall(cover.claim, (b, signed(b))),
            abi.encodeCall(cover.release, (policyNumber)),
            abi.encodeCall(cover.buy, (SUM, NOW, EXPIRY)),
            abi.encodeCall(cover.buyFor, (HOLDER, SUM, NOW, EXPIRY)),
            abi.encodeCall(cover.claim, (a, signatures))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            hostile.callDuringTransfer(address(cover), calls[i]);
            claimRefused(a, abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector));
        }
        hostile.callDuringTransfer(address(0), "");
        vm.assertEq(claim(a), SUM / 2, "paid once the token behaves");
        solvent();
    }
}
