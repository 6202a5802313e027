// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// The most signers of an epoch, so that they are counted in 8 bits and leave a bit of a word free.
uint256 constant SIGNERS_AT_MOST = 255;

/// A signer of an epoch in one word: its address, and in bit 160 whether it is a contract that votes by ERC-1271. The kind
/// is what was announced. It is never looked up: an address may get code, or lose it, and must not change its meaning.
type Signer is uint256;

using Signers for Signer global;

library Signers {
    uint256 private constant IS_CONTRACT = 1 << 160;

    function from(address account_, bool isContract_) internal pure returns (Signer) {
        return Signer.wrap(uint160(account_) | (isContract_ ? IS_CONTRACT : 0));
    }

    function account(Signer signer) internal pure returns (address) {
        return address(uint160(Signer.unwrap(signer)));
    }

    function isContract(Signer signer) internal pure returns (bool) {
        return Signer.unwrap(signer) & IS_CONTRACT != 0;
    }

    /// Whether the signer signs with a key, and this is that key's address.
    function isKeyOf(Signer signer, address recovered) internal pure returns (bool) {
        return Signer.unwrap(signer) == uint160(recovered);
    }
}
