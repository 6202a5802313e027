// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {SpotPool} from "./SpotPool.sol";

/// A lender to be attacked. For tests only: it is broken on purpose.
///
/// It lends cash against goods and believes a pool's price of the moment. Its own shares stand for the cash that savers brought.
contract SpotLender is ERC20 {
    uint256 private constant ONE = 1e18;

    SpotPool public immutable pool;
    IERC20 public immutable cash;
    IERC20 public immutable goods;

    /// What one of the goods was worth when somebody borrowed last, in cash, 18 decimals.
    uint256 public price;

    mapping(address borrower => uint256) public debtOf;
    mapping(address borrower => uint256) public pledgedBy;

    constructor(SpotPool pool_) ERC20("Spot Lender", "SAVE") {
        pool = pool_;
        cash = pool_.cash();
        goods = pool_.goods();
        poke();
    }

    /// The flaw: whoever calls chooses the moment.
    function poke() public {
        price = pool.spotPrice();
    }

    /// A saver brings cash, one share each.
    function save(uint256 amount) external {
        require(cash.transferFrom(msg.sender, address(this), amount), "not received");
        _mint(msg.sender, amount);
    }

    /// A saver takes cash back, as long as there is some.
    function unsave(uint256 amount) external {
        _burn(msg.sender, amount);
        require(cash.transfer(msg.sender, amount), "not sent");
    }

    /// Lends up to half of what the pledge is worth.
    function borrow(uint256 pledge, uint256 amount) external {
        poke();
        require(goods.transferFrom(msg.sender, address(this), pledge), "not received");
        pledgedBy[msg.sender] += pledge;
        debtOf[msg.sender] += amount;
        require(debtOf[msg.sender] <= pledgedBy[msg.sender] * price / ONE / 2, "pledge too small");
        require(cash.transfer(msg.sender, amount), "not sent");
    }
}
