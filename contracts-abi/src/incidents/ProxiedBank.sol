// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// A bank behind an ERC-1967 proxy, to be attacked. For tests only: it is broken on purpose.
///
/// Only an administrator upgrades it, but `initialize` may be called again, and makes an administrator of whoever is named.
contract ProxiedBank is AccessControl, UUPSUpgradeable {
    mapping(address holder => uint256) public balanceOf;

    /// The flaw: it does not remember that it has been called.
    function initialize(address administrator) external {
        _grantRole(DEFAULT_ADMIN_ROLE, administrator);
    }

    function deposit() external payable {
        balanceOf[msg.sender] += msg.value;
    }

    function withdraw(uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        (bool paid,) = msg.sender.call{value: amount}("");
        require(paid, "not paid");
    }

    function _authorizeUpgrade(address) internal override onlyRole(DEFAULT_ADMIN_ROLE) {}
}

/// What a thief upgrades the bank to. For tests only.
contract EmptiedBank is UUPSUpgradeable {
    function empty(address payable to) external {
        (bool paid,) = to.call{value: address(this).balance}("");
        require(paid, "not paid");
    }

    function _authorizeUpgrade(address) internal override {}
}
