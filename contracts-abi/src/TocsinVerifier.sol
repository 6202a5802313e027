// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {AttestationBatch, AttestationBatches} from "./AttestationBatch.sol";
import {ClaimAttestation, ClaimAttestations} from "./ClaimAttestation.sol";
import {ClaimLedger} from "./ClaimLedger.sol";
import {ITocsinVerifier} from "./ITocsinVerifier.sol";
import {SignerEpochs} from "./SignerEpochs.sol";

/// Accepts signed claims, each once. It holds no money and knows no policies: it says whether a quorum made this
/// statement, whether the statement is valid now, and remembers for ever that a claim was consumed.
contract TocsinVerifier is ITocsinVerifier, ClaimLedger {
    using AttestationBatches for AttestationBatch;
    using ClaimAttestations for ClaimAttestation;

    error NotConsumer(address caller, address consumer);
    error InvalidVerdict(uint8 verdict);
    error NotTriggered(uint8 verdict);
    error MissingEventId();
    error PayoutWithoutTrigger(uint8 verdict, bytes32 eventId, uint64 payoutFraction);
    error FractionAboveOne(uint64 payoutFraction);
    error LossOutsideWindow(uint64 occurredAt, uint64 windowStart, uint64 windowEnd);
    error TimesOutOfOrder(uint64 occurredAt, uint64 confirmedAt, uint64 issuedAt);
    error RevisionWithoutSuperseded(uint32 revision, bytes32 supersedes);
    error NotYetValid(uint64 validAfter, uint256 blockTime);
    error NoLongerValid(uint64 validUntil, uint256 blockTime);
    error BatchOfOtherEpoch(uint32 batchEpoch, uint32 attestationEpoch);
    error BatchBeforeAttestation(uint64 batchIssuedAt, uint64 attestationIssuedAt);

    constructor(address owner_, address guardian_, uint64 noticeSeconds_)
        SignerEpochs(owner_, guardian_, noticeSeconds_)
        EIP712("Tocsin", "1")
    {}

    /// @inheritdoc ITocsinVerifier
    function consume(ClaimAttestation calldata a, bytes calldata signatures) external returns (bytes32 claimKey) {
        // Nobody but the addressee can burn a claim.
        if (msg.sender != a.consumer) revert NotConsumer(msg.sender, a.consumer);
        return _consume(a, _check(a, signatures));
    }

    /// @inheritdoc ITocsinVerifier
    function consumeBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) external returns (bytes32 claimKey) {
        if (msg.sender != a.consumer) revert NotConsumer(msg.sender, a.consumer);
        return _consume(a, _checkBatched(a, batch, proof, signatures));
    }

    /// @inheritdoc ITocsinVerifier
    function verify(ClaimAttestation calldata a, bytes calldata signatures) external view returns (bytes32) {
        bytes32 id = _check(a, signatures);
        _checkOpen(a.claimKey(), a.revision);
        return id;
    }

    /// @inheritdoc ITocsinVerifier
    function verifyBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) external view returns (bytes32) {
        bytes32 id = _checkBatched(a, batch, proof, signatures);
        _checkOpen(a.claimKey(), a.revision);
        return id;
    }

    /// @inheritdoc ITocsinVerifier
    function attestationId(ClaimAttestation calldata a) external view returns (bytes32) {
        return _attestationId(a);
    }

    /// @inheritdoc ITocsinVerifier
    function batchId(AttestationBatch calldata batch) external view returns (bytes32) {
        return _batchId(batch);
    }

    /// @inheritdoc ITocsinVerifier
    function claimKeyOf(ClaimAttestation calldata a) external pure returns (bytes32) {
        return a.claimKey();
    }

    /// The domain follows `block.chainid`, so after a chain split each side accepts its own statements only.
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// A genuine statement is accepted once, if it says that somebody has to be paid.
    function _consume(ClaimAttestation calldata a, bytes32 id) private returns (bytes32 claimKey) {
        if (a.verdict != ClaimAttestations.TRIGGERED) revert NotTriggered(a.verdict);

        claimKey = a.claimKey();
        _consumeClaim(claimKey, a.revision);
        emit Consumed(claimKey, id, a.consumer, a.policyId, a.payoutFraction);
    }

    function _check(ClaimAttestation calldata a, bytes calldata signatures) private view returns (bytes32 id) {
        _checkStatement(a);
        _checkValidNow(a);
        id = _attestationId(a);
        _checkQuorum(a.signerEpoch, a.issuedAt, id, signatures);
    }

    /// The batch speaks for its attestations: it is of the epoch that they name, and is not older than they are. A
    /// statement may be older than its batch, when it was prepared before a crash and signed after it.
    function _checkBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) private view returns (bytes32 id) {
        _checkStatement(a);
        _checkValidNow(a);
        if (batch.signerEpoch != a.signerEpoch) revert BatchOfOtherEpoch(batch.signerEpoch, a.signerEpoch);
        if (batch.issuedAt < a.issuedAt) revert BatchBeforeAttestation(batch.issuedAt, a.issuedAt);
        if (batch.issuedAt > block.timestamp) revert IssuedInFuture(batch.issuedAt, block.timestamp);
        id = _attestationId(a);
        batch.checkContains(id, proof);
        _checkIssued(a.signerEpoch, a.issuedAt);
        _checkQuorum(a.signerEpoch, batch.issuedAt, _batchId(batch), signatures);
    }

    function _batchId(AttestationBatch calldata batch) private view returns (bytes32) {
        return _hashTypedDataV4(batch.structHash());
    }

    function _attestationId(ClaimAttestation calldata a) private view returns (bytes32) {
        return _hashTypedDataV4(a.structHash());
    }

    /// Statements that contradict themselves are refused however many signed them.
    function _checkStatement(ClaimAttestation calldata a) private pure {
        // A correction names what it corrects, and nothing else does.
        if ((a.revision == 0) != (a.supersedes == 0)) revert RevisionWithoutSuperseded(a.revision, a.supersedes);
        if (a.verdict == ClaimAttestations.TRIGGERED) _checkLoss(a);
        else _checkNoLoss(a);
    }

    function _checkLoss(ClaimAttestation calldata a) private pure {
        if (a.eventId == 0) revert MissingEventId();
        if (a.payoutFraction > ClaimAttestations.ONE) revert FractionAboveOne(a.payoutFraction);
        uint64 occurredAt = a.occurredAt;
        // Terms may test the occurrence or the confirmation against the window's end. Either way the loss itself
        // lies before it, because nothing is confirmed before it occurred.
        if (occurredAt < a.windowStart || occurredAt >= a.windowEnd) {
            revert LossOutsideWindow(occurredAt, a.windowStart, a.windowEnd);
        }
        uint64 confirmedAt = a.confirmedAt;
        if (occurredAt > confirmedAt || confirmedAt > a.issuedAt) {
            revert TimesOutOfOrder(occurredAt, confirmedAt, a.issuedAt);
        }
    }

    function _checkNoLoss(ClaimAttestation calldata a) private pure {
        uint8 verdict = a.verdict;
        if (verdict == 0 || verdict > ClaimAttestations.LAST_VERDICT) revert InvalidVerdict(verdict);
        if (a.eventId != 0 || a.payoutFraction != 0) revert PayoutWithoutTrigger(verdict, a.eventId, a.payoutFraction);
    }

    function _checkValidNow(ClaimAttestation calldata a) private view {
        if (a.issuedAt > block.timestamp) revert IssuedInFuture(a.issuedAt, block.timestamp);
        if (a.validAfter > block.timestamp) revert NotYetValid(a.validAfter, block.timestamp);
        if (a.validUntil < block.timestamp) revert NoLongerValid(a.validUntil, block.timestamp);
    }
}
