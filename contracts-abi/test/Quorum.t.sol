// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {QuorumSignatures} from "../src/QuorumSignatures.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// A set of signatures has one encoding, and nothing else is accepted.
contract QuorumTest is Fixture {
    ClaimAttestation private a;
    bytes32 private digest;

    function setUp() public override {
        super.setUp();
        a = sample();
        digest = verifier.attestationId(a);
    }

    function testFuzz_any_quorum_is_accepted_and_nothing_else(uint8 threshold, uint8 count, uint256 bitmap) public {
        uint256[] memory signerKeys = keysInAddressOrder(bound(count, 1, 8));
        threshold = uint8(bound(threshold, 1, signerKeys.length));
        bitmap = bound(bitmap, 0, (1 << signerKeys.length) - 1);
        a.signerEpoch = announce(threshold, signerKeys);
        bytes memory signatures = signedBy(a, signerKeys, bitmap);

        uint256 given;
        for (uint256 i = 0; i < 8; ++i) {
            given += bitmap >> i & 1;
        }
        if (given == threshold) consume(a, signatures);
        else refused(a, signatures, wrongCount(given, threshold));
    }

    function test_the_largest_signer_set() public {
        uint256[] memory signerKeys = keysInAddressOrder(255);
        a.signerEpoch = announce(255, signerKeys);
        consume(a, signedBy(a, signerKeys, type(uint256).max >> 1));
    }

    function test_too_few_and_too_many_signers() public {
        refused(a, pack(digest, keys, 0x03), wrongCount(2, 3));
        refused(a, pack(digest, keys, 0x0f), wrongCount(4, 3));
        refused(a, pack(digest, keys, 0x00), wrongCount(0, 3));
    }

    function test_a_bit_beyond_the_signers() public {
        uint256 bitmap = 1 << 5 | 0x03;
        bytes memory signatures = bytes.concat(abi.encode(bitmap), three(0, 1, 2));
        refused(a, signatures, abi.encodeWithSelector(QuorumSignatures.SignerBitmapOutOfRange.selector, bitmap, 5));
        bitmap = 1 << 254 | 0x03;
        signatures = bytes.concat(abi.encode(bitmap), three(0, 1, 2));
        refused(a, signatures, abi.encodeWithSelector(QuorumSignatures.SignerBitmapOutOfRange.selector, bitmap, 5));
    }

    function test_signatures_in_another_order() public {
        refused(a, bytes.concat(abi.encode(uint256(0x07)), three(0, 2, 1)), wrongSigner(1, 2));
        refused(a, bytes.concat(abi.encode(uint256(0x07)), three(2, 1, 0)), wrongSigner(0, 2));
    }

    function test_one_signer_counted_twice() public {
        refused(a, bytes.concat(abi.encode(uint256(0x07)), three(0, 0, 2)), wrongSigner(1, 0));
    }

    function test_a_stranger() public {
        uint256 stranger = uint256(keccak256("stranger"));
        bytes memory signatures = bytes.concat(pack(digest, keys, 0x03), signature(stranger, digest));
        signatures[31] = 0x07;
        bytes4 reason = QuorumSignatures.WrongSigner.selector;
        refused(a, signatures, abi.encodeWithSelector(reason, 2, vm.addr(stranger), vm.addr(keys[2])));
    }

    function testFuzz_other_lengths(uint256 length, bytes32 filler) public {
        bytes memory good = signed(a);
        length = bound(length, 0, 2 * good.length);
        vm.assume(length != good.length);
        bytes memory signatures = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            signatures[i] = i < good.length ? good[i] : filler[i % 32];
        }
        bytes memory reason = length < 32
            ? abi.encodeWithSelector(QuorumSignatures.SignaturesTooShort.selector, length)
            : abi.encodeWithSelector(QuorumSignatures.WrongSignaturesLength.selector, length, good.length);
        refused(a, signatures, reason);
    }

    function test_the_mirrored_high_s_signature() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[4], digest);
        uint8 mirroredV = v == 27 ? 28 : 27;
        bytes32 highS = bytes32(CURVE_ORDER - uint256(s));
        vm.assertEq(ecrecover(digest, mirroredV, r, highS), vm.addr(keys[4]), "the precompile accepts it");

        bytes memory two = bytes.concat(signature(keys[0], digest), signature(keys[2], digest));
        bytes memory signatures = bytes.concat(abi.encode(uint256(0x15)), two, abi.encodePacked(r, highS, mirroredV));
        refused(a, signatures, malformed(4));
    }

    function testFuzz_v_is_27_or_28(uint8 v) public {
        vm.assume(v != 27 && v != 28);
        bytes memory signatures = signed(a);
        signatures[32 + 64] = bytes1(v);
        refused(a, signatures, malformed(0));
    }

    /// Recovers to the zero address, which must not pass for an unset signer.
    function test_an_empty_signature() public {
        refused(a, bytes.concat(abi.encode(uint256(0x15)), new bytes(3 * 65)), malformed(0));
    }

    function three(uint256 i, uint256 j, uint256 k) private view returns (bytes memory) {
        return bytes.concat(signature(keys[i], digest), signature(keys[j], digest), signature(keys[k], digest));
    }

    function wrongCount(uint256 given, uint256 threshold) private pure returns (bytes memory) {
        return abi.encodeWithSelector(QuorumSignatures.WrongSignerCount.selector, given, threshold);
    }

    function wrongSigner(uint256 place, uint256 signer) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            QuorumSignatures.WrongSigner.selector, place, vm.addr(keys[signer]), vm.addr(keys[place])
        );
    }

    function malformed(uint256 index) private pure returns (bytes memory) {
        return abi.encodeWithSelector(QuorumSignatures.MalformedSignature.selector, index);
    }
}
