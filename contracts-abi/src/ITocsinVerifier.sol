// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch} from "./AttestationBatch.sol";
import {ClaimAttestation} from "./ClaimAttestation.sol";
import {IClaimLedger} from "./IClaimLedger.sol";

/// What a consumer contract needs of the verifier.
interface ITocsinVerifier is IClaimLedger {
    /// One claim was accepted, for good. `attestationId` is the EIP-712 digest that was signed.
    event Consumed(
        bytes32 indexed claimKey,
        bytes32 indexed attestationId,
        address indexed consumer,
        bytes32 policyId,
        uint64 payoutFraction
    );

    /// Accepts a triggered claim that is addressed to the caller, once, or reverts. After it returns, the caller
    /// owes its holder `payoutFraction` of the sum insured; the caller checks policy, terms and windows itself.
    function consume(ClaimAttestation calldata a, bytes calldata signatures) external returns (bytes32 claimKey);

    /// Reverts unless a quorum of a live epoch signed this statement and it is valid now: neither held nor
    /// revoked. It tells nothing about who may consume it or whether somebody did. Statements with verdicts 2 and 3 verify as well: read the verdict.
    function verify(ClaimAttestation calldata a, bytes calldata signatures)
        external
        view
        returns (bytes32 attestationId);

    /// `consume` for an attestation that a quorum signed as one of a batch: the same checks, the same key, the same event.
    function consumeBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) external returns (bytes32 claimKey);

    /// `verify` for an attestation that a quorum signed as one of a batch.
    function verifyBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) external view returns (bytes32 attestationId);

    function attestationId(ClaimAttestation calldata a) external view returns (bytes32);

    /// What a quorum signs for a batch: its EIP-712 digest.
    function batchId(AttestationBatch calldata batch) external view returns (bytes32);

    function claimKeyOf(ClaimAttestation calldata a) external pure returns (bytes32);
}
