// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../ClaimAttestation.sol";

/// What a product of Etherisc's framework gets in its callback, ABI-encoded: static words in this order. The claim key is
/// zero, and so is everything else but the policy, where a quorum says that nothing happened.
struct GifResponse {
    bytes32 policyId;
    bytes32 claimKey;
    /// 1e18 is the whole sum insured.
    uint64 payoutFraction;
    /// The first input of the terms' trigger when it was confirmed, 18 decimals.
    int256 measuredValue;
    uint64 occurredAt;
    uint64 confirmedAt;
}

library GifResponses {
    function triggered(ClaimAttestation calldata a, bytes32 claimKey) internal pure returns (bytes memory) {
        return abi.encode(
            GifResponse({
                policyId: a.policyId,
                claimKey: claimKey,
                payoutFraction: a.payoutFraction,
                measuredValue: a.measuredValue,
                occurredAt: a.occurredAt,
                confirmedAt: a.confirmedAt
            })
        );
    }

    function notTriggered(bytes32 policyId) internal pure returns (bytes memory) {
        return abi.encode(
            GifResponse({
                policyId: policyId, claimKey: 0, payoutFraction: 0, measuredValue: 0, occurredAt: 0, confirmedAt: 0
            })
        );
    }
}
