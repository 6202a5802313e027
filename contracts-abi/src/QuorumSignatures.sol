// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {SIGNERS_AT_MOST, Signer} from "./Signer.sol";

/// The packed form of a quorum's signatures: a 32-byte bitmap of signer indices, then one 65-byte signature (r, s, v)
/// for each set bit, lowest index first. There is exactly one encoding of a given set of signatures: the count is the
/// threshold, nothing trails, s is low and v is 27 or 28.
/// Where contracts are among those who signed, it is as `MixedSignatures` says.
library QuorumSignatures {
    error SignaturesTooShort(uint256 length);
    error SignerBitmapOutOfRange(uint256 bitmap, uint256 signerCount);
    error WrongSignerCount(uint256 given, uint256 threshold);
    error WrongSignaturesLength(uint256 length, uint256 expected);
    error MalformedSignature(uint256 signerIndex);
    error WrongSigner(uint256 signerIndex, address recovered, address registered);
    error SignerIsContract(uint256 signerIndex, address registered);

    uint256 internal constant BITMAP_BYTES = 32;
    uint256 internal constant SIGNATURE_BYTES = 65;
    /// The order of the group of secp256k1, halved (EIP-2).
    uint256 private constant GREATEST_LOW_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// The first word. Its lowest 255 bits are the signers' indices.
    function bitmapOf(bytes calldata packed) internal pure returns (uint256) {
        if (packed.length < BITMAP_BYTES) revert SignaturesTooShort(packed.length);
        // The first 32 of the bytes.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint256(bytes32(packed));
    }

    /// Reverts unless `packed`, of which `bitmap` is the first word, holds the signatures of exactly `threshold` of the first
    /// `signerCount` entries of `registered` over `digest`.
    function check(
        bytes calldata packed,
        uint256 bitmap,
        bytes32 digest,
        uint256 threshold,
        uint256 signerCount,
        Signer[SIGNERS_AT_MOST] storage registered
    ) internal view {
        checkBitmap(bitmap, threshold, signerCount);
        uint256 expected = BITMAP_BYTES + threshold * SIGNATURE_BYTES;
        if (packed.length != expected) revert WrongSignaturesLength(packed.length, expected);

        uint256 offset = BITMAP_BYTES;
        for (uint256 index = 0; bitmap != 0; bitmap >>= 1) {
            if (bitmap & 1 == 1) {
                checkOne(packed, offset, digest, registered[index], index);
                offset += SIGNATURE_BYTES;
            }
            // A word has 256 bits.
            unchecked {
                ++index;
            }
        }
    }

    /// Reverts unless the bitmap names exactly `threshold` signers, all below `signerCount`.
    function checkBitmap(uint256 bitmap, uint256 threshold, uint256 signerCount) internal pure {
        if (bitmap >> signerCount != 0) revert SignerBitmapOutOfRange(bitmap, signerCount);
        uint256 given = _countBits(bitmap);
        if (given != threshold) revert WrongSignerCount(given, threshold);
    }

    /// Reverts unless the 65 bytes at `offset`, which the caller knows to be there, are `signer`'s signature of `digest`.
    function checkOne(bytes calldata packed, uint256 offset, bytes32 digest, Signer signer, uint256 index)
        internal
        pure
    {
        address recovered = _recover(packed, offset, digest, index);
        if (signer.isKeyOf(recovered)) return;
        if (signer.isContract()) revert SignerIsContract(index, signer.account());
        revert WrongSigner(index, recovered, signer.account());
    }

    /// Never returns zero: a high s, a v other than 27 and 28, and a point that is not on the curve are malformed.
    function _recover(bytes calldata packed, uint256 offset, bytes32 digest, uint256 index)
        private
        pure
        returns (address)
    {
        bytes32 r;
        bytes32 s;
        uint8 v;
        // Slices would cost 600 gas more for each signature. In bounds: the caller has checked the length.
        assembly ("memory-safe") {
            let place := add(packed.offset, offset)
            r := calldataload(place)
            s := calldataload(add(place, 32))
            v := byte(0, calldataload(add(place, 64)))
        }
        if (uint256(s) > GREATEST_LOW_S || (v != 27 && v != 28)) revert MalformedSignature(index);
        address recovered = ecrecover(digest, v, r, s);
        if (recovered == address(0)) revert MalformedSignature(index);
        return recovered;
    }

    function _countBits(uint256 bitmap) private pure returns (uint256 count) {
        for (; bitmap != 0; ++count) {
            bitmap &= bitmap - 1;
        }
    }
}
