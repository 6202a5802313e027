// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {TocsinVerifier} from "../../src/TocsinVerifier.sol";
import {vm} from "./Vm.sol";

/// A verifier with one live 3-of-5 epoch, a sample claim, and the means to sign it.
abstract contract Fixture {
    uint64 internal constant NOW = 1_700_000_000;
    uint64 internal constant DAY = 1 days;
    uint256 internal constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    uint64 internal constant ACTIVE_FROM = NOW - 30 * DAY;
    uint64 internal constant SIGN_UNTIL = NOW + 30 * DAY;
    uint64 internal constant ACCEPT_UNTIL = NOW + 60 * DAY;

    address internal constant OWNER = address(0x0ee0);
    address internal constant GUARDIAN = address(0x6a2d);
    address internal constant CONSUMER = address(0xc025);

    TocsinVerifier internal verifier;
    uint32 internal epoch;
    /// Private keys in the order of their addresses, as the epoch lists its signers.
    uint256[] internal keys;

    function setUp() public virtual {
        vm.warp(NOW);
        verifier = new TocsinVerifier(OWNER, GUARDIAN, notice());
        keys = keysInAddressOrder(5);
        epoch = announce(3, keys);
    }

    function notice() internal pure virtual returns (uint64) {
        return 0;
    }

    function announce(uint8 threshold, uint256[] memory signerKeys) internal returns (uint32) {
        vm.prank(OWNER);
        return verifier.announceEpoch(ACTIVE_FROM, SIGN_UNTIL, ACCEPT_UNTIL, threshold, addresses(signerKeys), 0);
    }

    function keysInAddressOrder(uint256 count) internal pure returns (uint256[] memory sorted) {
        sorted = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 key = uint256(keccak256(abi.encode("tocsin test key", i)));
            uint256 place = i;
            for (; place > 0 && vm.addr(sorted[place - 1]) > vm.addr(key); --place) {
                sorted[place] = sorted[place - 1];
            }
            sorted[place] = key;
        }
    }

    function addresses(uint256[] memory signerKeys) internal pure returns (address[] memory list) {
        list = new address[](signerKeys.length);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = vm.addr(signerKeys[i]);
        }
    }

    /// A triggered claim that is valid now and pays a quarter.
    function sample() internal view returns (ClaimAttestation memory) {
        return ClaimAttestation({
            policyId: keccak256("policy"),
            termsHash: keccak256("terms"),
            eventId: keccak256("event"),
            consumer: CONSUMER,
            verdict: 1,
            payoutFraction: 0.25e18,
            measuredValue: -0.9e18,
            occurredAt: NOW - 3 * DAY,
            confirmedAt: NOW - 2 * DAY,
            windowStart: NOW - 10 * DAY,
            windowEnd: NOW + 10 * DAY,
            sourceChainId: 1,
            sourceBlock: 18_000_000,
            sourceBlockHash: keccak256("block"),
            evidenceRoot: keccak256("evidence"),
            evidenceCount: 7,
            issuedAt: NOW - DAY,
            validAfter: NOW - DAY,
            validUntil: NOW + DAY,
            signerEpoch: epoch,
            revision: 0,
            supersedes: 0
        });
    }

    /// Signed by signers 0, 2 and 4.
    function signed(ClaimAttestation memory a) internal view returns (bytes memory) {
        return signedBy(a, keys, 0x15);
    }

    function signedBy(ClaimAttestation memory a, uint256[] memory signerKeys, uint256 bitmap)
        internal
        view
        returns (bytes memory)
    {
        return pack(verifier.attestationId(a), signerKeys, bitmap);
    }

    function pack(bytes32 digest, uint256[] memory signerKeys, uint256 bitmap)
        internal
        pure
        returns (bytes memory packed)
    {
        packed = abi.encode(bitmap);
        for (uint256 i = 0; i < signerKeys.length; ++i) {
            if (bitmap >> i & 1 == 1) packed = bytes.concat(packed, signature(signerKeys[i], digest));
        }
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function consume(ClaimAttestation memory a, bytes memory signatures) internal returns (bytes32) {
        vm.prank(a.consumer);
        return verifier.consume(a, signatures);
    }

    /// Expects both doors to refuse with this error, and that the refusal consumed nothing.
    function refused(ClaimAttestation memory a, bytes memory signatures, bytes memory reason) internal {
        vm.expectRevert(reason);
        verifier.verify(a, signatures);
        vm.prank(a.consumer);
        vm.expectRevert(reason);
        verifier.consume(a, signatures);
        vm.assertFalse(verifier.consumed(verifier.claimKeyOf(a)), "a refusal consumed the claim");
    }

    function bound(uint256 x, uint256 min, uint256 max) internal pure returns (uint256) {
        return min + x % (max - min + 1);
    }
}
