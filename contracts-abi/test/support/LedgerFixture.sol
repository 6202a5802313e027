// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestationBatch} from "../../src/AttestationBatch.sol";
import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {HoldRelease} from "../../src/HoldRelease.sol";
import {Revocation} from "../../src/Revocation.sol";
import {BatchFixture} from "./BatchFixture.sol";
import {vm} from "./Vm.sol";

/// Holds, releases and revocations of the sample claim.
abstract contract LedgerFixture is BatchFixture {
    struct AttestationBatchOf {
        AttestationBatch batch;
        bytes32[] proof;
        bytes signatures;
    }

    bytes32 internal constant REASON = keccak256("the feed was wrong");

    function keyOf(ClaimAttestation memory a) internal pure returns (bytes32) {
        return keccak256(abi.encode(a.consumer, a.policyId, a.termsHash, a.eventId));
    }

    function hold(bytes32 claimKey) internal returns (uint32) {
        vm.prank(GUARDIAN);
        return verifier.holdClaim(claimKey);
    }

    function revocationOf(bytes32 claimKey, uint32 minRevision) internal view returns (Revocation memory) {
        return Revocation({
            claimKey: claimKey,
            minRevision: minRevision,
            reason: REASON,
            issuedAt: uint64(block.timestamp),
            signerEpoch: epoch
        });
    }

    function releaseOf(bytes32 claimKey, uint32 ordinal) internal view returns (HoldRelease memory) {
        return HoldRelease({claimKey: claimKey, hold: ordinal, issuedAt: uint64(block.timestamp), signerEpoch: epoch});
    }

    function signedRevocation(Revocation memory r) internal view returns (bytes memory) {
        return pack(verifier.revocationId(r), keys, 0x15);
    }

    function signedRelease(HoldRelease memory r) internal view returns (bytes memory) {
        return pack(verifier.holdReleaseId(r), keys, 0x15);
    }

    function revoke(bytes32 claimKey, uint32 minRevision) internal {
        Revocation memory r = revocationOf(claimKey, minRevision);
        verifier.revokeClaim(r, signedRevocation(r));
    }

    function release(bytes32 claimKey, uint32 ordinal) internal {
        HoldRelease memory r = releaseOf(claimKey, ordinal);
        verifier.releaseClaim(r, signedRelease(r));
    }

    function revocationRefused(Revocation memory r, bytes memory signatures, bytes memory reason) internal {
        bytes32 before = statusHash(r.claimKey);
        vm.expectRevert(reason);
        verifier.revokeClaim(r, signatures);
        vm.assertEq(statusHash(r.claimKey), before, "a refusal changed the record");
    }

    function releaseRefused(HoldRelease memory r, bytes memory signatures, bytes memory reason) internal {
        bytes32 before = statusHash(r.claimKey);
        vm.expectRevert(reason);
        verifier.releaseClaim(r, signatures);
        vm.assertEq(statusHash(r.claimKey), before, "a refusal changed the record");
    }

    /// Both doors, alone and in a batch, refuse the claim with this error.
    function refusedEverywhere(ClaimAttestation memory a, bytes memory reason) internal {
        refused(a, signed(a), reason);
        (AttestationBatchOf memory b) = batched(a);
        refusedBatched(a, b.batch, b.proof, b.signatures, reason);
    }

    function batched(ClaimAttestation memory a) internal view returns (AttestationBatchOf memory b) {
        (b.batch, b.proof) = batchOf(a, 3, "others");
        b.signatures = signedBatch(b.batch);
    }

    /// A statement that corrects an earlier one.
    function corrected(ClaimAttestation memory a, uint32 revision) internal view returns (ClaimAttestation memory) {
        a.supersedes = verifier.attestationId(a);
        a.revision = revision;
        return a;
    }

    function heldError(bytes32 claimKey, uint32 ordinal) internal pure returns (bytes memory) {
        return abi.encodeWithSignature("ClaimIsHeld(bytes32,uint32)", claimKey, ordinal);
    }

    function revokedError(bytes32 claimKey, uint32 revision, uint32 least) internal pure returns (bytes memory) {
        return abi.encodeWithSignature("StatementRevoked(bytes32,uint32,uint32)", claimKey, revision, least);
    }

    function statusHash(bytes32 claimKey) private view returns (bytes32) {
        return keccak256(abi.encode(verifier.claimStatus(claimKey)));
    }
}
