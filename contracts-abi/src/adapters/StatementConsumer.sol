// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch} from "../AttestationBatch.sol";
import {ClaimAttestation, ClaimAttestations} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";

/// What every adapter does first: takes a statement that is addressed to it, under its terms, from whoever brings it, and
/// has the verifier vouch for it. A triggered claim is consumed, so it is taken once. That nothing happened is taken where
/// an adapter has a use for it. Inconclusive is taken nowhere: not knowing is not an answer.
///
/// The functions are called as those of `ParametricCover`, so whoever delivers to the one delivers to the others.
abstract contract StatementConsumer {
    using ClaimAttestations for ClaimAttestation;

    error ZeroAddress();
    error ZeroTermsHash();
    error OtherTerms(bytes32 given, bytes32 expected);
    error OtherConsumer(address given);
    error Inconclusive(uint8 verdict);
    error OnlyTriggered(uint8 verdict);

    ITocsinVerifier public immutable verifier;
    bytes32 public immutable termsHash;

    constructor(ITocsinVerifier verifier_, bytes32 termsHash_) {
        if (address(verifier_) == address(0)) revert ZeroAddress();
        if (termsHash_ == 0) revert ZeroTermsHash();
        verifier = verifier_;
        termsHash = termsHash_;
    }

    /// Takes a statement that was signed alone.
    function claim(ClaimAttestation calldata a, bytes calldata signatures) external {
        if (_isTriggered(a)) {
            _onTriggered(a, verifier.consume(a, signatures));
        } else {
            verifier.verify(a, signatures);
            _onNotTriggered(a);
        }
    }

    /// Takes a statement that was signed as one of a batch.
    function claimBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) external {
        if (_isTriggered(a)) {
            _onTriggered(a, verifier.consumeBatched(a, batch, proof, signatures));
        } else {
            verifier.verifyBatched(a, batch, proof, signatures);
            _onNotTriggered(a);
        }
    }

    /// The claim is consumed; now it has to have its effect, or everything reverts.
    function _onTriggered(ClaimAttestation calldata a, bytes32 claimKey) internal virtual;

    /// A quorum says that nothing happened. It can be said, and brought, more than once.
    function _onNotTriggered(ClaimAttestation calldata a) internal virtual {
        revert OnlyTriggered(a.verdict);
    }

    /// What an identifier of policies is made of, as everywhere.
    function _policyId(address product, uint256 id) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, product, id));
    }

    function _isTriggered(ClaimAttestation calldata a) private view returns (bool) {
        if (a.consumer != address(this)) revert OtherConsumer(a.consumer);
        if (a.termsHash != termsHash) revert OtherTerms(a.termsHash, termsHash);
        if (a.verdict == ClaimAttestations.TRIGGERED) return true;
        if (a.verdict != ClaimAttestations.NOT_TRIGGERED) revert Inconclusive(a.verdict);
        return false;
    }
}
