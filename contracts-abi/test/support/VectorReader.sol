// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {vm} from "./Vm.sol";

/// Reads claims from vectors/attestations.json, member by member: forge's own struct decoding goes by alphabet.
contract VectorReader {
    string private json = vm.readFile("vectors/attestations.json");

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

    function claim(uint256 vector) external view returns (ClaimAttestation memory a) {
        a.policyId = word(vector, ".attestation.policyId");
        a.termsHash = word(vector, ".attestation.termsHash");
        a.eventId = word(vector, ".attestation.eventId");
        a.consumer = account(vector, ".attestation.consumer");
        a.verdict = uint8(member(vector, "verdict"));
        a.payoutFraction = uint64(member(vector, "payoutFraction"));
        a.measuredValue = vm.parseJsonInt(json, path(vector, ".attestation.measuredValue"));
        a.occurredAt = uint64(member(vector, "occurredAt"));
        a.confirmedAt = uint64(member(vector, "confirmedAt"));
        a.windowStart = uint64(member(vector, "windowStart"));
        a.windowEnd = uint64(member(vector, "windowEnd"));
        a.sourceChainId = uint64(member(vector, "sourceChainId"));
        a.sourceBlock = uint64(member(vector, "sourceBlock"));
        a.sourceBlockHash = word(vector, ".attestation.sourceBlockHash");
        a.evidenceRoot = word(vector, ".attestation.evidenceRoot");
        a.evidenceCount = uint32(member(vector, "evidenceCount"));
        a.issuedAt = uint64(member(vector, "issuedAt"));
        a.validAfter = uint64(member(vector, "validAfter"));
        a.validUntil = uint64(member(vector, "validUntil"));
        a.signerEpoch = uint32(member(vector, "signerEpoch"));
        a.revision = uint32(member(vector, "revision"));
        a.supersedes = word(vector, ".attestation.supersedes");
    }

    function member(uint256 vector, string memory name) private view returns (uint256) {
        return number(vector, string.concat(".attestation.", name));
    }

    function path(uint256 vector, string memory key) private pure returns (string memory) {
        return string.concat(".vectors[", vm.toString(vector), "]", key);
    }
}
