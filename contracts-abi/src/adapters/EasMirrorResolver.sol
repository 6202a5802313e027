// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";

/// An attestation of the Ethereum Attestation Service, as it is passed to resolvers.
struct EasAttestation {
    bytes32 uid;
    bytes32 schema;
    uint64 time;
    uint64 expirationTime;
    uint64 revocationTime;
    bytes32 refUID;
    address recipient;
    address attester;
    bool revocable;
    bytes data;
}

/// Lets an EAS attestation be made only if it mirrors a statement that the verifier vouches for, here and now. So whoever
/// reads the schema on EAS reads what a quorum signed, no matter who copied it there.
///
/// The schema is the 22 members of a claim attestation in order, then `bytes signatures`. The mirror is for the claim's
/// consumer, expires with it, and can be revoked. Mirroring consumes nothing. A mirror stays on EAS when the statement is
/// revoked at the verifier later: a reader who is about to pay asks the verifier.
contract EasMirrorResolver {
    error NotEas(address caller);
    error NotPayable();
    error ZeroAddress();
    error OtherRecipient(address recipient, address consumer);
    error OtherExpiry(uint64 expirationTime, uint64 validUntil);
    error NotRevocable();
    error NotCanonical();
    error OtherSchema(bytes32 given, bytes32 expected);

    /// The members of a claim attestation, in order, and the signatures.
    string public constant SCHEMA = "bytes32 policyId,bytes32 termsHash,bytes32 eventId,address consumer,uint8 verdict,uint64 payoutFraction,"
        "int256 measuredValue,uint64 occurredAt,uint64 confirmedAt,uint64 windowStart,uint64 windowEnd,"
        "uint64 sourceChainId,uint64 sourceBlock,bytes32 sourceBlockHash,bytes32 evidenceRoot,uint32 evidenceCount,"
        "uint64 issuedAt,uint64 validAfter,uint64 validUntil,uint32 signerEpoch,uint32 revision,bytes32 supersedes,"
        "bytes signatures";

    address public immutable eas;
    ITocsinVerifier public immutable verifier;
    /// The only schema that this resolver serves, as EAS's registry computes it: one of the same shape and other labels would
    /// have a quorum say what it never said.
    bytes32 public immutable schema;

    modifier onlyEas() {
        if (msg.sender != eas) revert NotEas(msg.sender);
        if (msg.value != 0) revert NotPayable();
        _;
    }

    constructor(address eas_, ITocsinVerifier verifier_) {
        if (eas_ == address(0) || address(verifier_) == address(0)) revert ZeroAddress();
        eas = eas_;
        verifier = verifier_;
        schema = keccak256(abi.encodePacked(SCHEMA, address(this), true));
    }

    function isPayable() external pure returns (bool) {
        return false;
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    function attest(EasAttestation calldata attestation) external payable onlyEas returns (bool) {
        _check(attestation);
        return true;
    }

    function multiAttest(EasAttestation[] calldata attestations, uint256[] calldata)
        external
        payable
        onlyEas
        returns (bool)
    {
        for (uint256 i = 0; i < attestations.length; ++i) {
            _check(attestations[i]);
        }
        return true;
    }

    /// Who mirrored may take the mirror back; that says nothing about the statement.
    function revoke(EasAttestation calldata) external payable onlyEas returns (bool) {
        return true;
    }

    function multiRevoke(EasAttestation[] calldata, uint256[] calldata) external payable onlyEas returns (bool) {
        return true;
    }

    function _check(EasAttestation calldata attestation) private view {
        if (attestation.schema != schema) revert OtherSchema(attestation.schema, schema);
        (ClaimAttestation memory a, bytes memory signatures) = abi.decode(attestation.data, (ClaimAttestation, bytes));
        // One encoding: nothing hides behind or between what is decoded.
        if (keccak256(abi.encode(a, signatures)) != keccak256(attestation.data)) revert NotCanonical();
        if (attestation.recipient != a.consumer) revert OtherRecipient(attestation.recipient, a.consumer);
        if (attestation.expirationTime != a.validUntil) revert OtherExpiry(attestation.expirationTime, a.validUntil);
        if (!attestation.revocable) revert NotRevocable();
        verifier.verify(a, signatures);
    }
}
