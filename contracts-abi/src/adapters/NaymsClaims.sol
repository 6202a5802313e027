// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ClaimAttestation, ClaimAttestations} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";
import {StatementConsumer} from "./StatementConsumer.sol";

/// How Nayms (v3) pays a claim on a simple policy. The caller's entity needs the privilege "Pay Simple Claim" there.
interface INaymsSimplePolicies {
    function paySimpleClaim(bytes32 claimId, bytes32 policyId, bytes32 insuredId, uint256 amount) external;
}

/// Pays attested claims on simple policies of Nayms. The underwriter says once for each policy who is insured and for how
/// much, and can never change it; all else is up to the attestors and to Nayms, which keeps the policy's own limit.
contract NaymsClaims is StatementConsumer {
    struct Insurance {
        bytes32 naymsPolicyId;
        bytes32 insuredId;
        uint256 sumInsured;
        uint256 left;
    }

    event Insured(bytes32 indexed policyId, bytes32 indexed naymsPolicyId, bytes32 insuredId, uint256 sumInsured);
    event ClaimPaid(bytes32 indexed policyId, bytes32 indexed claimKey, uint256 amount);

    error NotUnderwriter(address caller);
    error AlreadyInsured(bytes32 policyId);
    error NotInsured(bytes32 policyId);
    error NothingInsured();

    INaymsSimplePolicies public immutable nayms;
    address public immutable underwriter;

    mapping(bytes32 policyId => Insurance) public insurances;

    constructor(ITocsinVerifier verifier_, bytes32 termsHash_, INaymsSimplePolicies nayms_, address underwriter_)
        StatementConsumer(verifier_, termsHash_)
    {
        if (address(nayms_) == address(0) || underwriter_ == address(0)) revert ZeroAddress();
        nayms = nayms_;
        underwriter = underwriter_;
    }

    /// Attestations name the policy by what this returns.
    function insure(bytes32 naymsPolicyId, bytes32 insuredId, uint256 sumInsured) external returns (bytes32 policyId) {
        if (msg.sender != underwriter) revert NotUnderwriter(msg.sender);
        if (sumInsured == 0) revert NothingInsured();
        policyId = policyIdOf(naymsPolicyId);
        if (insurances[policyId].sumInsured != 0) revert AlreadyInsured(policyId);
        insurances[policyId] =
            Insurance({naymsPolicyId: naymsPolicyId, insuredId: insuredId, sumInsured: sumInsured, left: sumInsured});
        emit Insured(policyId, naymsPolicyId, insuredId, sumInsured);
    }

    function policyIdOf(bytes32 naymsPolicyId) public view returns (bytes32) {
        return _policyId(address(nayms), uint256(naymsPolicyId));
    }

    /// What a claim is called on Nayms: an id of the kind "CLAIM" there, of which the last 20 bytes are the claim key's.
    function claimIdOf(bytes32 claimKey) public pure returns (bytes32) {
        return bytes32(bytes12("CLAIM")) | bytes32(uint256(uint160(uint256(claimKey))));
    }

    /// Over all events of a policy at most the sum insured is paid. Nayms takes no claim of zero, so none is made.
    function _onTriggered(ClaimAttestation calldata a, bytes32 claimKey) internal override {
        Insurance storage insurance = insurances[a.policyId];
        if (insurance.sumInsured == 0) revert NotInsured(a.policyId);
        uint256 amount = _share(insurance.sumInsured, a.payoutFraction);
        if (amount > insurance.left) amount = insurance.left;
        insurance.left -= amount;
        emit ClaimPaid(a.policyId, claimKey, amount);
        if (amount == 0) return;
        nayms.paySimpleClaim(claimIdOf(claimKey), insurance.naymsPolicyId, insurance.insuredId, amount);
    }

    function _share(uint256 sumInsured, uint64 fraction) private pure returns (uint256) {
        return Math.mulDiv(sumInsured, fraction, ClaimAttestations.ONE);
    }
}
