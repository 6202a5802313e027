// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// A constant-product pool of two tokens with 18 decimals each, without fees. For tests only.
///
/// Nothing is wrong with it. What is wrong is to take its price at a moment for the price: whoever has enough money sets it.
contract SpotPool {
    uint256 private constant ONE = 1e18;

    IERC20 public immutable cash;
    IERC20 public immutable goods;

    constructor(IERC20 cash_, IERC20 goods_) {
        cash = cash_;
        goods = goods_;
    }

    /// How much cash one of the goods costs at this moment, 18 decimals.
    function spotPrice() external view returns (uint256) {
        return cash.balanceOf(address(this)) * ONE / goods.balanceOf(address(this));
    }

    /// Takes `amountIn` of `tokenIn` and gives what keeps the product of both balances.
    function swap(IERC20 tokenIn, uint256 amountIn) external returns (uint256 amountOut) {
        require(address(tokenIn) == address(cash) || address(tokenIn) == address(goods), "no such token");
        IERC20 tokenOut = address(tokenIn) == address(cash) ? goods : cash;
        uint256 balanceIn = tokenIn.balanceOf(address(this));
        amountOut = tokenOut.balanceOf(address(this)) * amountIn / (balanceIn + amountIn);
        require(tokenIn.transferFrom(msg.sender, address(this), amountIn), "not received");
        require(tokenOut.transfer(msg.sender, amountOut), "not sent");
    }
}
