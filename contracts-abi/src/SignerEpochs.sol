// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {AttestorVotes} from "./AttestorVote.sol";
import {MixedSignatures} from "./MixedSignatures.sol";
import {QuorumSignatures} from "./QuorumSignatures.sol";
import {SIGNERS_AT_MOST, Signer, Signers} from "./Signer.sol";

/// Who may sign, and when. The owner announces epochs; an announced epoch never changes but for being revoked, which
/// the guardian can do at once and nobody can undo. Epochs may overlap, so a rotation loses no statement.
abstract contract SignerEpochs is Ownable2Step, EIP712 {
    using MixedSignatures for bytes;
    using QuorumSignatures for bytes;

    struct Epoch {
        /// First and last `issuedAt` that the epoch may sign, both inclusive.
        uint64 activeFrom;
        uint64 signUntil;
        /// Last block time at which its signatures are accepted, inclusive.
        uint64 acceptUntil;
        uint8 threshold;
        /// Strictly ascending; a signer's index in a signature bitmap is its position here.
        address[] signers;
        /// Bit i is set where signer i is a contract that votes by ERC-1271.
        uint256 contractSigners;
        bool revoked;
    }

    event EpochAnnounced(
        uint32 indexed epoch,
        uint64 activeFrom,
        uint64 signUntil,
        uint64 acceptUntil,
        uint8 threshold,
        address[] signers,
        uint256 contractSigners
    );
    event EpochRevoked(uint32 indexed epoch, address indexed by);
    event GuardianChanged(address indexed previous, address indexed current);

    error NotGuardian(address caller);
    error OwnerNeeded();
    error EpochTimesOutOfOrder(uint64 activeFrom, uint64 signUntil, uint64 acceptUntil);
    error BadThreshold(uint8 threshold, uint256 signerCount);
    error TooManySigners(uint256 signerCount);
    error SignersNotAscending(uint256 index);
    error ContractSignersOutOfRange(uint256 contractSigners, uint256 signerCount);
    error UnknownEpoch(uint32 epoch);
    error EpochIsRevoked(uint32 epoch);
    error IssuedOutsideEpoch(uint32 epoch, uint64 issuedAt, uint64 activeFrom, uint64 signUntil);
    error EpochNotAccepted(uint32 epoch, uint64 acceptUntil, uint256 blockTime);

    /// Everything that an acceptance reads but the signers, in one storage slot.
    struct Header {
        uint64 activeFrom;
        uint64 signUntil;
        uint64 acceptUntil;
        uint8 threshold;
        uint8 signerCount;
        bool revoked;
    }

    struct Announced {
        Header header;
        Signer[SIGNERS_AT_MOST] signers;
    }

    uint256 public constant MAX_SIGNERS = SIGNERS_AT_MOST;

    /// Epochs are numbered from 1 to this.
    uint32 public epochCount;
    address public guardian;

    mapping(uint32 epoch => Announced) private _epochs;

    constructor(address owner_, address guardian_) Ownable(owner_) {
        _setGuardian(guardian_);
    }

    /// Announces the next epoch and returns its number. `contractSigners` has bit i set where signer i is a contract that
    /// votes by ERC-1271; the others sign with keys.
    function announceEpoch(
        uint64 activeFrom,
        uint64 signUntil,
        uint64 acceptUntil,
        uint8 threshold,
        address[] calldata signers,
        uint256 contractSigners
    ) external onlyOwner returns (uint32 number) {
        if (activeFrom > signUntil || signUntil > acceptUntil) {
            revert EpochTimesOutOfOrder(activeFrom, signUntil, acceptUntil);
        }
        if (signers.length > MAX_SIGNERS) revert TooManySigners(signers.length);
        if (threshold == 0 || threshold > signers.length) revert BadThreshold(threshold, signers.length);
        if (contractSigners >> signers.length != 0) revert ContractSignersOutOfRange(contractSigners, signers.length);

        number = ++epochCount;
        _epochs[number].header = Header({
            activeFrom: activeFrom,
            signUntil: signUntil,
            acceptUntil: acceptUntil,
            threshold: threshold,
            signerCount: uint8(signers.length),
            revoked: false
        });
        _storeSigners(number, signers, contractSigners);
        emit EpochAnnounced(number, activeFrom, signUntil, acceptUntil, threshold, signers, contractSigners);
    }

    /// Stops an epoch for good, including statements that it signed while it was trusted.
    function revokeEpoch(uint32 number) external {
        if (msg.sender != guardian && msg.sender != owner()) revert NotGuardian(msg.sender);
        Header storage header = _epochs[number].header;
        if (header.threshold == 0) revert UnknownEpoch(number);
        if (header.revoked) revert EpochIsRevoked(number);
        header.revoked = true;
        emit EpochRevoked(number, msg.sender);
    }

    /// Without an owner no epoch would follow the last, and no claim would ever be payable again.
    function renounceOwnership() public view override onlyOwner {
        revert OwnerNeeded();
    }

    /// Zero leaves revocation to the owner alone.
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// What `attestor`, where it is a contract, is asked to have signed when a quorum signs `digest`.
    function voteDigest(bytes32 digest, address attestor) external view returns (bytes32) {
        return AttestorVotes.voteDigest(_domainSeparatorV4(), digest, attestor);
    }

    function epoch(uint32 number) external view returns (Epoch memory) {
        Header memory header = _epochs[number].header;
        if (header.threshold == 0) revert UnknownEpoch(number);
        address[] memory signers = new address[](header.signerCount);
        uint256 contractSigners = 0;
        for (uint256 index = 0; index < signers.length; ++index) {
            Signer signer = _epochs[number].signers[index];
            signers[index] = signer.account();
            if (signer.isContract()) contractSigners |= 1 << index;
        }
        return Epoch({
            activeFrom: header.activeFrom,
            signUntil: header.signUntil,
            acceptUntil: header.acceptUntil,
            threshold: header.threshold,
            signers: signers,
            contractSigners: contractSigners,
            revoked: header.revoked
        });
    }

    /// Reverts unless a quorum of epoch `number`, entitled to sign at `issuedAt` and accepted now, signed `digest`.
    function _checkQuorum(uint32 number, uint64 issuedAt, bytes32 digest, bytes calldata signatures) internal view {
        Announced storage announced = _epochs[number];
        Header memory header = announced.header;
        if (header.threshold == 0) revert UnknownEpoch(number);
        if (header.revoked) revert EpochIsRevoked(number);
        _checkIssued(number, header, issuedAt);
        if (block.timestamp > header.acceptUntil) {
            revert EpochNotAccepted(number, header.acceptUntil, block.timestamp);
        }
        uint256 bitmap = signatures.bitmapOf();
        if (MixedSignatures.isMixed(bitmap)) {
            _checkMixed(signatures, bitmap, digest, announced);
        } else {
            signatures.check(bitmap, digest, header.threshold, header.signerCount, announced.signers);
        }
    }

    /// Reverts unless epoch `number` is entitled to sign at `issuedAt`.
    function _checkIssued(uint32 number, uint64 issuedAt) internal view {
        _checkIssued(number, _epochs[number].header, issuedAt);
    }

    function _checkMixed(bytes calldata signatures, uint256 bitmap, bytes32 digest, Announced storage announced)
        private
        view
    {
        Header memory header = announced.header;
        signatures.checkMixed(
            bitmap, digest, _domainSeparatorV4(), header.threshold, header.signerCount, announced.signers
        );
    }

    function _checkIssued(uint32 number, Header memory header, uint64 issuedAt) private pure {
        if (issuedAt < header.activeFrom || issuedAt > header.signUntil) {
            revert IssuedOutsideEpoch(number, issuedAt, header.activeFrom, header.signUntil);
        }
    }

    /// Ascending order makes signers distinct and non-zero, and their indices the same for everybody.
    function _storeSigners(uint32 number, address[] calldata signers, uint256 contractSigners) private {
        Signer[SIGNERS_AT_MOST] storage stored = _epochs[number].signers;
        address previous = address(0);
        for (uint256 index = 0; index < signers.length; ++index) {
            if (signers[index] <= previous) revert SignersNotAscending(index);
            previous = signers[index];
            stored[index] = Signers.from(previous, contractSigners >> index & 1 == 1);
        }
    }

    function _setGuardian(address guardian_) private {
        emit GuardianChanged(guardian, guardian_);
        guardian = guardian_;
    }
}
