// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A worthless dollar for demonstrations and tests: anybody can mint it.
contract DemoToken is ERC20 {
    constructor() ERC20("Tocsin Demo Dollar", "demoUSD") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
