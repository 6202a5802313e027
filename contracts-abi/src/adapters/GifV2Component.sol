// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// Where the contracts of a GIF v2 instance find each other.
interface IGifV2Registry {
    function getContract(bytes32 name) external view returns (address);
}

interface IGifV2InstanceService {
    function getComponentState(uint256 componentId) external view returns (uint8);
}

/// What Etherisc's GIF v2 asks of every oracle, product and risk pool: who it is, and to hear what becomes of it. Here that
/// of an oracle, which does nothing about it.
abstract contract GifV2Component {
    error NotComponentModule(address caller);

    uint8 private constant ORACLE = 0;

    bytes32 private immutable _name;
    /// Who proposes the oracle to the instance, and can pause it there.
    address private immutable _owner;
    IGifV2Registry private immutable _registry;
    uint256 private _id;

    modifier onlyComponentModule() {
        if (msg.sender != _moduleAt("Component")) revert NotComponentModule(msg.sender);
        _;
    }

    constructor(IGifV2Registry registry_, bytes32 name_, address owner_) {
        _registry = registry_;
        _name = name_;
        _owner = owner_;
    }

    function setId(uint256 id) external onlyComponentModule {
        _id = id;
    }

    function getName() external view returns (bytes32) {
        return _name;
    }

    function getId() external view returns (uint256) {
        return _id;
    }

    function getType() external pure returns (uint8) {
        return ORACLE;
    }

    function getState() external view returns (uint8) {
        return IGifV2InstanceService(_moduleAt("InstanceService")).getComponentState(_id);
    }

    function getOwner() external view returns (address) {
        return _owner;
    }

    function isProduct() external pure returns (bool) {
        return false;
    }

    function isOracle() external pure returns (bool) {
        return true;
    }

    function isRiskpool() external pure returns (bool) {
        return false;
    }

    function getRegistry() external view returns (IGifV2Registry) {
        return _registry;
    }

    function proposalCallback() external view onlyComponentModule {}

    function approvalCallback() external view onlyComponentModule {}

    function declineCallback() external view onlyComponentModule {}

    function suspendCallback() external view onlyComponentModule {}

    function resumeCallback() external view onlyComponentModule {}

    function pauseCallback() external view onlyComponentModule {}

    function unpauseCallback() external view onlyComponentModule {}

    function archiveCallback() external view onlyComponentModule {}

    function _moduleAt(bytes32 name) internal view returns (address) {
        return _registry.getContract(name);
    }
}
