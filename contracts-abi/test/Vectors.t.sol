// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation, ClaimAttestations} from "../src/ClaimAttestation.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {Fixture} from "./support/Fixture.sol";
import {VectorReader} from "./support/VectorReader.sol";
import {vm} from "./support/Vm.sol";

/// The contract and a third party's EIP-712 agree on every identity in vectors/attestations.json.
contract VectorsTest is Fixture {
    uint256 private constant LEAST_VECTORS = 8;

    VectorReader private reader = new VectorReader("vectors/attestations.json");
    bytes private runtime;

    function setUp() public override {
        super.setUp();
        runtime = address(verifier).code;
    }

    function test_the_type_is_the_same() public view {
        vm.assertEq(ClaimAttestations.TYPEHASH, reader.typeHash(), "type hash");
    }

    function test_identities_are_the_same() public {
        uint256 i = 0;
        for (; reader.exists(i); ++i) {
            string memory name = reader.text(i, ".name");
            ClaimAttestation memory a = reader.claim(i);
            settleOn(i);
            vm.assertEq(verifier.domainSeparator(), reader.word(i, ".domainSeparator"), name);
            vm.assertEq(this.structHashOf(a), reader.word(i, ".structHash"), name);
            vm.assertEq(verifier.attestationId(a), reader.word(i, ".digest"), name);
            vm.assertEq(verifier.claimKeyOf(a), reader.word(i, ".claimKey"), name);
            vm.assertEq(policyIdIn(i), a.policyId, name);
            if (!reader.isNull(i, ".event")) vm.assertEq(eventIdIn(i), a.eventId, name);
        }
        vm.assertGe(i, LEAST_VECTORS, "vectors were read");
    }

    function test_signatures_are_accepted_when_they_should_be() public {
        uint256 accepted = 0;
        for (uint256 i = 0; reader.exists(i); ++i) {
            if (reader.isNull(i, ".acceptedAt")) continue;
            // The vectors share addresses, and each brings its own threshold.
            uint256 clean = vm.snapshotState();
            ClaimAttestation memory a = reader.claim(i);
            settleOn(i);
            while (verifier.epochCount() < a.signerEpoch) {
                announceFor(i);
            }
            vm.warp(reader.number(i, ".acceptedAt"));
            bytes memory signatures = reader.data(i, ".packedSignatures");
            vm.assertEq(verifier.verify(a, signatures), reader.word(i, ".digest"), reader.text(i, ".name"));
            if (a.verdict == 1) consume(a, signatures);
            vm.revertToState(clean);
            ++accepted;
        }
        vm.assertGe(accepted, 5, "vectors were accepted");
    }

    function structHashOf(ClaimAttestation calldata a) external pure returns (bytes32) {
        return ClaimAttestations.structHash(a);
    }

    /// Moves to the vector's chain and puts a verifier at its address. The code there carries the domain of
    /// another address and chain, so this also shows that a stale domain is never used.
    function settleOn(uint256 i) private {
        address place = reader.account(i, ".domain.verifyingContract");
        vm.chainId(reader.number(i, ".domain.chainId"));
        vm.etch(place, runtime);
        verifier = TocsinVerifier(place);
    }

    /// Etched code has no storage, so the verifier there is owned by nobody.
    function announceFor(uint256 i) private {
        uint8 threshold = uint8(reader.number(i, ".threshold"));
        address[] memory signers = reader.signers();
        vm.prank(address(0));
        verifier.announceEpoch(0, type(uint64).max, type(uint64).max, threshold, signers, 0);
    }

    function policyIdIn(uint256 i) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                reader.number(i, ".policy.chainId"),
                reader.account(i, ".policy.contract"),
                reader.number(i, ".policy.id")
            )
        );
    }

    function eventIdIn(uint256 i) private view returns (bytes32) {
        bytes32 subject = keccak256(bytes(reader.text(i, ".event.subject")));
        return keccak256(abi.encode(subject, reader.number(i, ".event.ordinal")));
    }
}
