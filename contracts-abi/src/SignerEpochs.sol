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
///
/// Stopping is immediate, whatever lets somebody new sign is not: an epoch begins no sooner than the notice after it was
/// announced, and the guardian who may revoke it meanwhile cannot be replaced sooner. Who must be able to go on at once when an
/// epoch is revoked announces a second one, of other keys, long before it is needed.
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
    /// The next guardian takes over at `from`; until then the present one stays.
    event GuardianChanged(address indexed present, address indexed next, uint64 from);

    error NotGuardian(address caller);
    error OwnerNeeded();
    error NoticeTooLong(uint64 noticeSeconds, uint64 atMost);
    error NoticeTooShort(uint64 activeFrom, uint256 earliest);
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

    uint64 public constant MAX_NOTICE_SECONDS = 90 days;

    /// How long before its first `issuedAt` an epoch has to be announced, and how long a new guardian waits. Zero asks for none: an
    /// epoch may then have begun before.
    uint64 public immutable noticeSeconds;

    /// Epochs are numbered from 1 to this.
    uint32 public epochCount;
    /// When the next guardian takes over from the present one; in the past once it did.
    uint64 private _guardianFrom;
    address private _nextGuardian;
    address private _presentGuardian;

    mapping(uint32 epoch => Announced) private _epochs;

    constructor(address owner_, address guardian_, uint64 noticeSeconds_) Ownable(owner_) {
        // A slip in it could never be mended.
        if (noticeSeconds_ > MAX_NOTICE_SECONDS) revert NoticeTooLong(noticeSeconds_, MAX_NOTICE_SECONDS);
        noticeSeconds = noticeSeconds_;
        _setGuardian(guardian_, uint64(block.timestamp));
    }

    /// Announces the next epoch and returns its number. `contractSigners` has bit i set where signer i is a contract that
    /// votes by ERC-1271; the others sign with keys. All but the first begin no sooner than the notice from now: before the first,
    /// nothing is accepted at all.
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

        uint256 earliest = block.timestamp + noticeSeconds;
        if (noticeSeconds != 0 && epochCount != 0 && activeFrom < earliest) {
            revert NoticeTooShort(activeFrom, earliest);
        }

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
        if (msg.sender != guardian() && msg.sender != owner()) revert NotGuardian(msg.sender);
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

    /// Names who is guardian once the notice is over; an earlier choice that did not take effect yet is dropped. Zero leaves
    /// revocation to the owner alone.
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_, uint64(block.timestamp) + noticeSeconds);
    }

    /// Who can hold claims and revoke epochs now.
    function guardian() public view returns (address) {
        return block.timestamp < _guardianFrom ? _presentGuardian : _nextGuardian;
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

    function _setGuardian(address next, uint64 from) private {
        address present = guardian();
        (_presentGuardian, _nextGuardian, _guardianFrom) = (present, next, from);
        emit GuardianChanged(present, next, from);
    }
}
