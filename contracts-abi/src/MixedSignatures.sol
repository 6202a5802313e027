// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {AttestorVotes} from "./AttestorVote.sol";
import {QuorumSignatures} from "./QuorumSignatures.sol";
import {SIGNERS_AT_MOST, Signer} from "./Signer.sol";

/// The packed form of a quorum's signatures where contracts are among those who signed. Bit 255 of the bitmap of signer
/// indices, which is no signer's, says so. A second bitmap follows, of the signers that are contracts: at least one. Then,
/// lowest index first, 65 bytes for each key, and for each contract two bytes of length (big-endian) and so many bytes,
/// which it alone understands.
library MixedSignatures {
    error ContractBitmapOutOfRange(uint256 contracts, uint256 bitmap);
    error SignerIsNoContract(uint256 signerIndex, address registered);
    error SignatureCutShort(uint256 signerIndex);
    error TrailingBytes(uint256 count);
    error VoteRefused(uint256 signerIndex, address attestor);

    uint256 private constant HEAD_BYTES = 64;
    uint256 private constant LENGTH_BYTES = 2;
    uint256 private constant IS_MIXED = 1 << 255;

    /// Whether signatures whose first word this is are in this form.
    function isMixed(uint256 bitmap) internal pure returns (bool) {
        return bitmap >= IS_MIXED;
    }

    /// Reverts unless `packed`, of which `bitmap` is the first word, holds the signatures of exactly `threshold` of the first `signerCount` entries of
    /// `registered` over `digest`. Contracts are asked whether they vote for it, as `AttestorVote` says it in the domain
    /// `domainSeparator`; what they answer may change with the state of their chain.
    function checkMixed(
        bytes calldata packed,
        uint256 bitmap,
        bytes32 digest,
        bytes32 domainSeparator,
        uint256 threshold,
        uint256 signerCount,
        Signer[SIGNERS_AT_MOST] storage registered
    ) internal view {
        if (packed.length < HEAD_BYTES) {
            revert QuorumSignatures.SignaturesTooShort(packed.length);
        }
        bitmap &= ~IS_MIXED;
        uint256 contracts = uint256(bytes32(packed[QuorumSignatures.BITMAP_BYTES:]));
        QuorumSignatures.checkBitmap(bitmap, threshold, signerCount);
        if (contracts == 0 || contracts & ~bitmap != 0) revert ContractBitmapOutOfRange(contracts, bitmap);

        bytes calldata rest = packed[HEAD_BYTES:];
        for (uint256 index = 0; bitmap >> index != 0; ++index) {
            if (bitmap >> index & 1 == 0) continue;
            Signer signer = registered[index];
            uint256 taken = contracts >> index & 1 == 1
                ? _checkVote(rest, digest, domainSeparator, signer, index)
                : _checkSignature(rest, digest, signer, index);
            rest = rest[taken:];
        }
        if (rest.length != 0) revert TrailingBytes(rest.length);
    }

    function _checkSignature(bytes calldata rest, bytes32 digest, Signer signer, uint256 index)
        private
        pure
        returns (uint256)
    {
        if (rest.length < QuorumSignatures.SIGNATURE_BYTES) revert SignatureCutShort(index);
        QuorumSignatures.checkOne(rest, 0, digest, signer, index);
        return QuorumSignatures.SIGNATURE_BYTES;
    }

    function _checkVote(bytes calldata rest, bytes32 digest, bytes32 domainSeparator, Signer signer, uint256 index)
        private
        view
        returns (uint256 end)
    {
        address attestor = signer.account();
        if (!signer.isContract()) revert SignerIsNoContract(index, attestor);
        if (rest.length < LENGTH_BYTES) revert SignatureCutShort(index);
        // The first two of the bytes.
        // forge-lint: disable-next-line(unsafe-typecast)
        end = LENGTH_BYTES + uint16(bytes2(rest));
        if (rest.length < end) revert SignatureCutShort(index);
        bytes32 vote = AttestorVotes.voteDigest(domainSeparator, digest, attestor);
        if (!SignatureChecker.isValidERC1271SignatureNowCalldata(attestor, vote, rest[LENGTH_BYTES:end])) {
            revert VoteRefused(index, attestor);
        }
    }
}
