// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {vm} from "./Vm.sol";

/// Reads claims from a file of vectors/, member by member: forge's own struct decoding goes by alphabet.
contract VectorReader {
    string private json;

    constructor(string memory file) {
        json = vm.readFile(file);
    }

    function exists(uint256 vector) external view returns (bool) {
        return vm.keyExistsJson(json, path(vector, ""));
    }

    function text(uint256 vector, string memory key) public view returns (string memory) {
        return vm.parseJsonString(json, path(vector, key));
    }

    function number(uint256 vector, string memory key) public view returns (uint256) {
        return vm.parseJsonUint(json, path(vector, key));
    }

    function word(uint256 vector, string memory key) public view returns (bytes32) {
        return vm.parseJsonBytes32(json, path(vector, key));
    }

    function account(uint256 vector, string memory key) public view returns (address) {
        return vm.parseJsonAddress(json, path(vector, key));
    }

    function data(uint256 vector, string memory key) external view returns (bytes memory) {
        return vm.parseJsonBytes(json, path(vector, key));
    }

    function isNull(uint256 vector, string memory key) external view returns (bool) {
        return keccak256(vm.parseJson(json, path(vector, key))) == keccak256(new bytes(32));
    }

    function signers() external view returns (address[] memory) {
        return vm.parseJsonAddressArray(json, ".signerAddresses");
    }

    function typeHash() external view returns (bytes32) {
        return vm.parseJsonBytes32(json, ".typeHash");
    }

    function words(uint256 vector, string memory key) external view returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(json, path(vector, key));
    }

    function claim(uint256 vector) external view returns (ClaimAttestation memory) {
        return claimAt(vector, "");
    }

    /// The claim whose members are below `key`.
    function claimAt(uint256 vector, string memory key) public view returns (ClaimAttestation memory a) {
        a.policyId = word(vector, string.concat(key, ".attestation.policyId"));
        a.termsHash = word(vector, string.concat(key, ".attestation.termsHash"));
        a.eventId = word(vector, string.concat(key, ".attestation.eventId"));
        a.consumer = account(vector, string.concat(key, ".attestation.consumer"));
        a.verdict = uint8(member(vector, key, "verdict"));
        a.payoutFraction = uint64(member(vector, key, "payoutFraction"));
        a.measuredValue = vm.parseJsonInt(json, path(vector, string.concat(key, ".attestation.measuredValue")));
        a.occurredAt = uint64(member(vector, key, "occurredAt"));
        a.confirmedAt = uint64(member(vector, key, "confirmedAt"));
        a.windowStart = uint64(member(vector, key, "windowStart"));
        a.windowEnd = uint64(member(vector, key, "windowEnd"));
        a.sourceChainId = uint64(member(vector, key, "sourceChainId"));
        a.sourceBlock = uint64(member(vector, key, "sourceBlock"));
        a.sourceBlockHash = word(vector, string.concat(key, ".attestation.sourceBlockHash"));
        a.evidenceRoot = word(vector, string.concat(key, ".attestation.evidenceRoot"));
        a.evidenceCount = uint32(member(vector, key, "evidenceCount"));
        a.issuedAt = uint64(member(vector, key, "issuedAt"));
        a.validAfter = uint64(member(vector, key, "validAfter"));
        a.validUntil = uint64(member(vector, key, "validUntil"));
        a.signerEpoch = uint32(member(vector, key, "signerEpoch"));
        a.revision = uint32(member(vector, key, "revision"));
        a.supersedes = word(vector, string.concat(key, ".attestation.supersedes"));
    }

    function member(uint256 vector, string memory key, string memory name) private view returns (uint256) {
        return number(vector, string.concat(key, ".attestation.", name));
    }

    function path(uint256 vector, string memory key) private pure returns (string memory) {
        return string.concat(".vectors[", vm.toString(vector), "]", key);
    }
}
