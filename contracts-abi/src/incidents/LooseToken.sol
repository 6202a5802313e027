// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token to be attacked. For tests only: it is broken on purpose.
///
/// Only the minter mints, but `setMinter` forgets to ask who calls.
contract LooseToken is ERC20 {
    address public minter;

    constructor() ERC20("Loose Token", "LOOSE") {
        minter = msg.sender;
    }

    function mint(address to, uint256 amount) external {
        require(msg.sender == minter, "not the minter");
        _mint(to, amount);
    }

    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    /// The flaw.
    function setMinter(address minter_) external {
        minter = minter_;
    }
}
