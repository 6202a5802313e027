// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// Emits the events with which four protocols report an incident, with the signatures that they publish. For tests only: it
/// has none of their rules, and emits what it is told.
contract IncidentReports {
    /// How Y2K's vaults stood when an epoch was resolved.
    // forge-lint: disable-next-item(mixed-case-variable)
    struct VaultTVL {
        uint256 COLLAT_claimTVL;
        uint256 COLLAT_finalTVL;
        uint256 PREM_claimTVL;
        uint256 PREM_finalTVL;
    }

    /// Neptune Mutual, `IReporter` of github.com/neptune-mutual-blue/protocol.
    event Reported(
        bytes32 indexed coverKey,
        bytes32 indexed productKey,
        address reporter,
        uint256 indexed incidentDate,
        string info,
        uint256 initialStake,
        uint256 resolutionTimestamp
    );

    /// Neptune Mutual, likewise: a report is contested.
    event Disputed(
        bytes32 indexed coverKey,
        bytes32 indexed productKey,
        address reporter,
        uint256 indexed incidentDate,
        string info,
        uint256 initialStake
    );

    /// Nexus Mutual, `IClaims` of github.com/NexusMutual/smart-contracts.
    event ClaimSubmitted(address indexed user, uint256 claimId, uint256 indexed coverId, uint256 productId);

    /// Cozy, `ITrigger` of github.com/Cozy-Finance: an enumeration, of which 2 is TRIGGERED.
    event TriggerStateUpdated(uint8 indexed state);

    /// Y2K, `ControllerGeneric` of github.com/Y2K-Finance/Earthquake.
    event EpochResolved(
        uint256 indexed epochId, uint256 indexed marketId, VaultTVL tvl, bool strikeMet, int256 depegPrice
    );

    function report(bytes32 coverKey, bytes32 productKey, uint256 incidentDate, uint256 resolution) external {
        emit Reported(coverKey, productKey, msg.sender, incidentDate, "ipfs://report", 1 ether, resolution);
    }

    function dispute(bytes32 coverKey, bytes32 productKey, uint256 incidentDate) external {
        emit Disputed(coverKey, productKey, msg.sender, incidentDate, "ipfs://dispute", 1 ether);
    }

    function submitClaim(uint256 claimId, uint256 coverId, uint256 productId) external {
        emit ClaimSubmitted(msg.sender, claimId, coverId, productId);
    }

    function updateState(uint8 state) external {
        emit TriggerStateUpdated(state);
    }

    function resolveEpoch(uint256 epochId, uint256 marketId, bool strikeMet, int256 depegPrice) external {
        VaultTVL memory tvl = VaultTVL(1 ether, 1 ether, 1 ether, 1 ether);
        emit EpochResolved(epochId, marketId, tvl, strikeMet, depegPrice);
    }
}
