// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {AttestorVotes} from "../../src/AttestorVote.sol";
import {HoldRelease, HoldReleases} from "../../src/HoldRelease.sol";
import {Revocation, Revocations} from "../../src/Revocation.sol";
import {TocsinVerifier} from "../../src/TocsinVerifier.sol";
import {Fixture} from "../support/Fixture.sol";
import {KeyWallet} from "../support/Wallets.sol";
import {vm} from "../support/Vm.sol";

/// The contract and a third party's EIP-712 agree on every digest in vectors/ledger.json, and the contract takes the third
/// party's signatures.
contract LedgerVectorsTest is Fixture {
    string private json = vm.readFile("vectors/ledger.json");

    function setUp() public override {
        super.setUp();
        vm.chainId(31337);
        address place = vm.parseJsonAddress(json, ".domain.verifyingContract");
        vm.etch(place, address(verifier).code);
        verifier = TocsinVerifier(place);
    }

    function test_the_types_are_the_same() public view {
        vm.assertEq(verifier.domainSeparator(), word(".domainSeparator"), "domain");
        vm.assertEq(Revocations.TYPEHASH, word(".typeHashes.Revocation"), "Revocation");
        vm.assertEq(HoldReleases.TYPEHASH, word(".typeHashes.HoldRelease"), "HoldRelease");
        vm.assertEq(AttestorVotes.TYPEHASH, word(".typeHashes.AttestorVote"), "AttestorVote");
    }

    function test_the_digests_are_the_same() public view {
        vm.assertEq(verifier.revocationId(revocation(0)), word(".statements[0].digest"), "revocation");
        vm.assertEq(verifier.revocationId(revocation(1)), word(".statements[1].digest"), "greatest revocation");
        vm.assertEq(verifier.holdReleaseId(release(2)), word(".statements[2].digest"), "release");
        vm.assertEq(verifier.holdReleaseId(release(3)), word(".statements[3].digest"), "greatest release");
    }

    function test_a_release_and_a_revocation_are_accepted() public {
        announceAs(".signerAddresses", 0);
        HoldRelease memory r = release(2);
        vm.warp(r.issuedAt);
        // Etched code has no storage, so nobody guards it.
        vm.prank(address(0));
        verifier.holdClaim(r.claimKey);
        verifier.releaseClaim(r, vm.parseJsonBytes(json, ".statements[2].packedSignatures"));
        verifier.revokeClaim(revocation(0), vm.parseJsonBytes(json, ".statements[0].packedSignatures"));
        vm.assertEq(verifier.minRevision(r.claimKey), 1, "revoked");
    }

    function test_a_quorum_with_a_wallet_is_accepted() public {
        announceAs(".mixed.signerAddresses", vm.parseJsonUint(json, ".mixed.contractSigners"));
        address attestor = vm.parseJsonAddress(json, ".mixed.attestor");
        address voteKey = vm.parseJsonAddress(json, ".mixed.voteKey");
        vm.etch(attestor, address(new KeyWallet(voteKey)).code);
        vm.store(attestor, 0, bytes32(uint256(uint160(voteKey))));
        vm.assertEq(KeyWallet(attestor).signer(), voteKey, "the wallet is set up");

        Revocation memory r = revocation(0);
        vm.assertEq(verifier.revocationId(r), word(".mixed.digest"), "digest");
        vm.assertEq(verifier.voteDigest(word(".mixed.digest"), attestor), word(".mixed.voteDigest"), "vote");
        vm.warp(r.issuedAt);
        verifier.revokeClaim(r, vm.parseJsonBytes(json, ".mixed.packedSignatures"));
    }

    function announceAs(string memory list, uint256 contracts) private {
        address[] memory signers = vm.parseJsonAddressArray(json, list);
        uint8 threshold = uint8(vm.parseJsonUint(json, ".threshold"));
        vm.prank(address(0));
        verifier.announceEpoch(0, type(uint64).max, type(uint64).max, threshold, signers, contracts);
    }

    function revocation(uint256 i) private view returns (Revocation memory) {
        return Revocation({
            claimKey: word(member(i, "claimKey")),
            minRevision: uint32(number(i, "minRevision")),
            reason: word(member(i, "reason")),
            issuedAt: uint64(number(i, "issuedAt")),
            signerEpoch: uint32(number(i, "signerEpoch"))
        });
    }

    function release(uint256 i) private view returns (HoldRelease memory) {
        return HoldRelease({
            claimKey: word(member(i, "claimKey")),
            hold: uint32(number(i, "hold")),
            issuedAt: uint64(number(i, "issuedAt")),
            signerEpoch: uint32(number(i, "signerEpoch"))
        });
    }

    function word(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function number(uint256 i, string memory name) private view returns (uint256) {
        return vm.parseJsonUint(json, member(i, name));
    }

    function member(uint256 i, string memory name) private pure returns (string memory) {
        return string.concat(".statements[", vm.toString(i), "].message.", name);
    }
}
