// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {SignerECDSA} from "@openzeppelin/contracts/utils/cryptography/signers/SignerECDSA.sol";

/// A wallet of one key that vouches for what the key signed, until it is locked. Two of one key are told apart by the vote.
contract KeyWallet is SignerECDSA, IERC1271 {
    bool public locked;

    constructor(address key) SignerECDSA(key) {}

    function lock() external {
        locked = true;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return !locked && _rawSignatureValidation(hash, signature) ? this.isValidSignature.selector : bytes4(0);
    }
}

/// Answers whatever it is told to answer, or nothing at all.
contract OddWallet {
    enum Mood {
        Reverts,
        AnswersNothing,
        AnswersTrue,
        AnswersFourBytes,
        AnswersSelectorAndDirt,
        BurnsGas,
        Writes
    }

    Mood private immutable MOOD;
    uint256 private written;

    constructor(Mood mood) {
        MOOD = mood;
    }

    fallback() external {
        bytes4 selector = IERC1271.isValidSignature.selector;
        if (MOOD == Mood.Reverts) revert("no");
        if (MOOD == Mood.AnswersNothing) answer("");
        if (MOOD == Mood.AnswersTrue) answer(abi.encode(true));
        if (MOOD == Mood.AnswersFourBytes) answer(abi.encodePacked(selector));
        if (MOOD == Mood.AnswersSelectorAndDirt) answer(abi.encode(bytes32(selector) | bytes32(uint256(1))));
        if (MOOD == Mood.BurnsGas) while (true) {}
        ++written;
        answer(abi.encode(selector));
    }

    function answer(bytes memory data) private pure {
        assembly {
            return(add(data, 32), mload(data))
        }
    }
}
