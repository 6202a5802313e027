// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {HoldRelease} from "./HoldRelease.sol";
import {Revocation} from "./Revocation.sol";

/// What becomes of a claim before it is consumed. A claim key that no statement was made of yet can be held or revoked.
interface IClaimLedger {
    struct ClaimStatus {
        bool consumed;
        bool held;
        /// Statements of a lower revision are refused.
        uint32 minRevision;
        /// How often the claim was held; the ordinal of its last hold.
        uint32 holds;
        /// The block time of the last hold, or zero.
        uint64 heldAt;
        /// Whether a quorum released it, and it was not revoked since: it cannot be held.
        bool resolved;
    }

    /// A quorum took back every statement below `minRevision`. `revocationId` is the EIP-712 digest that it signed, and
    /// `reason` the keccak-256 of the reason's text.
    event ClaimRevoked(bytes32 indexed claimKey, bytes32 indexed revocationId, uint32 minRevision, bytes32 reason);

    /// The guardian stopped the claim, for the `hold`th time.
    event ClaimHeld(bytes32 indexed claimKey, uint32 hold, address indexed guardian);

    /// A quorum ended that hold, by the release whose EIP-712 digest is `releaseId`.
    event ClaimReleased(bytes32 indexed claimKey, bytes32 indexed releaseId, uint32 hold);

    /// Stops a claim that is not consumed yet, until a quorum has looked at it. Only the guardian, and only once: a claim that a
    /// quorum released is not held again, unless it was revoked since and is about to be stated anew.
    function holdClaim(bytes32 claimKey) external returns (uint32 hold);

    /// Ends the hold that the release names, if it is the one in force and a quorum signed the release. Anybody may bring it.
    function releaseClaim(HoldRelease calldata release, bytes calldata signatures) external;

    /// Refuses, from now on, statements of the claim below the revision, which must be higher than the last. It leaves a hold
    /// in force: who signed it need not have known of the hold. Anybody may bring it.
    function revokeClaim(Revocation calldata revocation, bytes calldata signatures) external;

    function consumed(bytes32 claimKey) external view returns (bool);

    function minRevision(bytes32 claimKey) external view returns (uint32);

    function claimStatus(bytes32 claimKey) external view returns (ClaimStatus memory);

    /// What a quorum signs to revoke: the EIP-712 digest.
    function revocationId(Revocation calldata revocation) external view returns (bytes32);

    /// What a quorum signs to release: the EIP-712 digest.
    function holdReleaseId(HoldRelease calldata release) external view returns (bytes32);
}
