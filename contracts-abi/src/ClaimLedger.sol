// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimRecord} from "./ClaimRecord.sol";
import {HoldRelease, HoldReleases} from "./HoldRelease.sol";
import {IClaimLedger} from "./IClaimLedger.sol";
import {Revocation, Revocations} from "./Revocation.sol";
import {SignerEpochs} from "./SignerEpochs.sol";

/// What became of each claim: consumed, for ever; revoked up to a revision, which only rises; held by the guardian until a
/// quorum says otherwise. The guardian can stop a claim, until a quorum has looked at it, and cannot make one payable.
abstract contract ClaimLedger is IClaimLedger, SignerEpochs {
    using HoldReleases for HoldRelease;
    using Revocations for Revocation;

    error AlreadyConsumed(bytes32 claimKey);
    error StatementRevoked(bytes32 claimKey, uint32 revision, uint32 minRevision);
    error ClaimIsHeld(bytes32 claimKey, uint32 hold);
    error RevisionNotRaised(bytes32 claimKey, uint32 given, uint32 current);
    error NotTheHold(bytes32 claimKey, uint32 given, uint32 current);
    error AlreadyResolved(bytes32 claimKey, uint32 hold);
    error IssuedInFuture(uint64 issuedAt, uint256 blockTime);

    mapping(bytes32 claimKey => ClaimRecord) private _records;

    /// @inheritdoc IClaimLedger
    function holdClaim(bytes32 claimKey) external returns (uint32 hold) {
        if (msg.sender != guardian()) revert NotGuardian(msg.sender);
        ClaimRecord record = _records[claimKey];
        if (record.isConsumed()) revert AlreadyConsumed(claimKey);
        if (record.isHeld()) revert ClaimIsHeld(claimKey, record.holds());
        // Or one guardian could hold, for ever, what every quorum lets go on.
        if (record.isResolved()) revert AlreadyResolved(claimKey, record.holds());
        record = record.hold(uint64(block.timestamp));
        _records[claimKey] = record;
        hold = record.holds();
        emit ClaimHeld(claimKey, hold, msg.sender);
    }

    /// @inheritdoc IClaimLedger
    function releaseClaim(HoldRelease calldata release, bytes calldata signatures) external {
        ClaimRecord record = _records[release.claimKey];
        uint32 current = record.isHeld() ? record.holds() : 0;
        if (current == 0 || release.hold != current) revert NotTheHold(release.claimKey, release.hold, current);
        bytes32 id = holdReleaseId(release);
        _checkStatementOfQuorum(release.signerEpoch, release.issuedAt, id, signatures);
        _records[release.claimKey] = record.release();
        emit ClaimReleased(release.claimKey, id, current);
    }

    /// @inheritdoc IClaimLedger
    function revokeClaim(Revocation calldata revocation, bytes calldata signatures) external {
        bytes32 claimKey = revocation.claimKey;
        ClaimRecord record = _records[claimKey];
        if (record.isConsumed()) revert AlreadyConsumed(claimKey);
        if (revocation.minRevision <= record.minRevision()) {
            revert RevisionNotRaised(claimKey, revocation.minRevision, record.minRevision());
        }
        bytes32 id = revocationId(revocation);
        _checkStatementOfQuorum(revocation.signerEpoch, revocation.issuedAt, id, signatures);
        emit ClaimRevoked(claimKey, id, revocation.minRevision, revocation.reason);
        _records[claimKey] = record.withMinRevision(revocation.minRevision);
    }

    /// @inheritdoc IClaimLedger
    function consumed(bytes32 claimKey) external view returns (bool) {
        return _records[claimKey].isConsumed();
    }

    /// @inheritdoc IClaimLedger
    function minRevision(bytes32 claimKey) external view returns (uint32) {
        return _records[claimKey].minRevision();
    }

    /// @inheritdoc IClaimLedger
    function claimStatus(bytes32 claimKey) external view returns (ClaimStatus memory) {
        ClaimRecord record = _records[claimKey];
        return ClaimStatus({
            consumed: record.isConsumed(),
            held: record.isHeld(),
            minRevision: record.minRevision(),
            holds: record.holds(),
            heldAt: record.heldAt(),
            resolved: record.isResolved()
        });
    }

    /// @inheritdoc IClaimLedger
    function revocationId(Revocation calldata revocation) public view returns (bytes32) {
        return _hashTypedDataV4(revocation.structHash());
    }

    /// @inheritdoc IClaimLedger
    function holdReleaseId(HoldRelease calldata release) public view returns (bytes32) {
        return _hashTypedDataV4(release.structHash());
    }

    /// Marks an open claim as consumed, once.
    function _consumeClaim(bytes32 claimKey, uint32 revision) internal {
        ClaimRecord record = _records[claimKey];
        // Most claims are consumed before anything else happens to them.
        if (!record.isUntouched()) {
            if (record.isConsumed()) revert AlreadyConsumed(claimKey);
            _checkOpen(record, claimKey, revision);
        }
        _records[claimKey] = record.consume();
    }

    /// Reverts if the claim is held, or a statement of this revision about it revoked.
    function _checkOpen(bytes32 claimKey, uint32 revision) internal view {
        _checkOpen(_records[claimKey], claimKey, revision);
    }

    function _checkOpen(ClaimRecord record, bytes32 claimKey, uint32 revision) private pure {
        if (record.isHeld()) revert ClaimIsHeld(claimKey, record.holds());
        if (revision < record.minRevision()) revert StatementRevoked(claimKey, revision, record.minRevision());
    }

    function _checkStatementOfQuorum(uint32 number, uint64 issuedAt, bytes32 id, bytes calldata signatures)
        private
        view
    {
        if (issuedAt > block.timestamp) revert IssuedInFuture(issuedAt, block.timestamp);
        _checkQuorum(number, issuedAt, id, signatures);
    }
}
