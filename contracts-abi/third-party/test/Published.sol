// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AdapterFixture} from "../../test/support/AdapterFixture.sol";
import {vm} from "../../test/support/Vm.sol";

/// Deploys contracts as others published them; `npm run third-party` builds what is read here.
abstract contract Published is AdapterFixture {
    function deploy(string memory name, bytes memory arguments) internal returns (address deployed) {
        string memory json = vm.readFile(string.concat("third-party/built/", name, ".json"));
        bytes memory code = bytes.concat(vm.parseJsonBytes(json, ".bytecode"), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
        }
        vm.assertTrue(deployed != address(0), name);
    }
}
