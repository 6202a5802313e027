// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {HoldRelease} from "../src/HoldRelease.sol";
import {QuorumSignatures} from "../src/QuorumSignatures.sol";
import {Revocation} from "../src/Revocation.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {LedgerFixture} from "./support/LedgerFixture.sol";
import {vm} from "./support/Vm.sol";

/// A signature is good for one statement of one type, at one verifier, on one chain. Claims are in Replay.t.sol, votes in
/// ContractSigners.t.sol; here are batches, revocations and releases, and every type in the place of every other.
contract ReplayTypesTest is LedgerFixture {
    uint256 private constant TYPES = 4;

    ClaimAttestation private a;
    bytes32 private key;

    function setUp() public override {
        super.setUp();
        a = sample();
        key = keyOf(a);
        hold(key);
    }

    function test_no_type_passes_for_another() public {
        for (uint256 signedType = 0; signedType < TYPES; ++signedType) {
            bytes memory signatures = pack(digestOf(signedType), keys, 0x15);
            for (uint256 used = 0; used < TYPES; ++used) {
                uint256 clean = vm.snapshotState();
                vm.assertTrue(tryAs(used, signatures) == (used == signedType), vm.toString(used));
                vm.revertToState(clean);
            }
        }
    }

    function test_not_on_another_chain() public {
        for (uint256 kind = 0; kind < TYPES; ++kind) {
            bytes memory signatures = pack(digestOf(kind), keys, 0x15);
            uint256 clean = vm.snapshotState();
            vm.chainId(block.chainid + 1);
            vm.assertFalse(tryAs(kind, signatures), vm.toString(kind));
            vm.assertTrue(tryAs(kind, pack(digestOf(kind), keys, 0x15)), "signed for this chain");
            vm.revertToState(clean);
        }
    }

    function test_not_at_another_verifier() public {
        for (uint256 kind = 0; kind < TYPES; ++kind) {
            bytes memory signatures = pack(digestOf(kind), keys, 0x15);
            TocsinVerifier home = verifier;
            verifier = new TocsinVerifier(OWNER, GUARDIAN, 0);
            announce(3, keys);
            hold(key);
            vm.assertFalse(tryAs(kind, signatures), vm.toString(kind));
            vm.assertTrue(tryAs(kind, pack(digestOf(kind), keys, 0x15)), "signed for this verifier");
            verifier = home;
        }
    }

    function test_not_in_another_domain_name_or_version() public view {
        bytes32 domainType =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 own = domain(domainType, "Tocsin", "1");
        vm.assertEq(own, verifier.domainSeparator(), "the domain is the documented one");
        vm.assertTrue(own != domain(domainType, "Tocsin Off-chain", "1"), "name");
        vm.assertTrue(own != domain(domainType, "Tocsin", "2"), "version");
    }

    function test_a_revocation_and_a_release_are_used_once() public {
        vm.assertTrue(tryAs(3, pack(digestOf(3), keys, 0x15)), "released");
        vm.assertFalse(tryAs(3, pack(digestOf(3), keys, 0x15)), "released twice");
        vm.assertTrue(tryAs(2, pack(digestOf(2), keys, 0x15)), "revoked");
        vm.assertFalse(tryAs(2, pack(digestOf(2), keys, 0x0e)), "revoked twice");
    }

    function testFuzz_no_bit_of_a_revocation_may_change(uint256 bit) public {
        Revocation memory r = revocationOf(key, 1);
        everyBitCounts(abi.encodeCall(verifier.revokeClaim, (r, signedRevocation(r))), 5, bit);
    }

    function testFuzz_no_bit_of_a_release_may_change(uint256 bit) public {
        HoldRelease memory r = releaseOf(key, 1);
        everyBitCounts(abi.encodeCall(verifier.releaseClaim, (r, signedRelease(r))), 4, bit);
    }

    function everyBitCounts(bytes memory call, uint256 words, uint256 bit) private {
        bit = 32 + bound(bit, 0, words * 256 - 1);
        call[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        (bool accepted,) = address(verifier).call(call);
        vm.assertFalse(accepted, "a changed statement was accepted");
    }

    function digestOf(uint256 kind) private view returns (bytes32) {
        if (kind == 0) return verifier.attestationId(a);
        if (kind == 1) return verifier.batchId(batched(a).batch);
        if (kind == 2) return verifier.revocationId(revocationOf(key, 1));
        return verifier.holdReleaseId(releaseOf(key, 1));
    }

    /// Whether the signatures are accepted for a statement of this kind. A claim is not consumable while it is held, so
    /// its hold is ended first.
    function tryAs(uint256 kind, bytes memory signatures) private returns (bool accepted) {
        bytes memory call;
        if (kind == 0) {
            call = abi.encodeCall(verifier.consume, (a, signatures));
        } else if (kind == 1) {
            AttestationBatchOf memory b = batched(a);
            call = abi.encodeCall(verifier.consumeBatched, (a, b.batch, b.proof, signatures));
        } else if (kind == 2) {
            call = abi.encodeCall(verifier.revokeClaim, (revocationOf(key, 1), signatures));
        } else {
            call = abi.encodeCall(verifier.releaseClaim, (releaseOf(key, 1), signatures));
        }
        if (kind < 2 && verifier.claimStatus(key).held) release(key, 1);
        vm.prank(CONSUMER);
        bytes memory answer;
        (accepted, answer) = address(verifier).call(call);
        // Refused as somebody else's signature: the statement itself is fine.
        if (!accepted && kind < 2) vm.assertTrue(bytes4(answer) == QuorumSignatures.WrongSigner.selector, "signer");
    }

    function domain(bytes32 domainType, string memory name, string memory version) private view returns (bytes32) {
        return keccak256(
            abi.encode(domainType, keccak256(bytes(name)), keccak256(bytes(version)), block.chainid, address(verifier))
        );
    }
}
