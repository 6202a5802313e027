// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

/// OpenZeppelin's proxy. For tests only.
contract IncidentProxy is ERC1967Proxy {
    constructor(address implementation, bytes memory data) ERC1967Proxy(implementation, data) {}
}

/// OpenZeppelin's timelock, in which one account proposes and executes. For tests only.
contract IncidentTimelock is TimelockController {
    constructor(uint256 delay, address[] memory proposers)
        TimelockController(delay, proposers, proposers, address(0))
    {}
}
