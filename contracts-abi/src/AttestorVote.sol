// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// What an attestor that is a contract signs (ERC-1271) instead of the digest itself. It names the attestor, so a
/// signature that two wallets of one key would both accept is the vote of one of them only.
struct AttestorVote {
    /// The EIP-712 digest that the attestors with keys sign.
    bytes32 digest;
    address attestor;
}

library AttestorVotes {
    bytes32 internal constant TYPEHASH = keccak256("AttestorVote(bytes32 digest,address attestor)");

    /// The EIP-712 digest of the vote, in the domain that the voted statement is of.
    function voteDigest(bytes32 domainSeparator, bytes32 digest, address attestor) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(TYPEHASH, AttestorVote({digest: digest, attestor: attestor})));
        return MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
    }
}
