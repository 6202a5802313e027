// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation, ClaimAttestations} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";
import {StatementConsumer} from "./StatementConsumer.sol";

/// A trigger for Cozy's safety modules, which read `state` when somebody wants to slash or pay. It is active until a claim
/// on its policy is attested, and triggered from then on; it never freezes, and never goes back.
contract CozyTrigger is StatementConsumer {
    /// As Cozy's safety modules count them. Cozy v2's sets count frozen before triggered and are not served by this.
    enum TriggerState {
        ACTIVE,
        TRIGGERED,
        FROZEN
    }

    event TriggerStateUpdated(TriggerState indexed state);

    error OtherPolicy(bytes32 given, bytes32 expected);
    error BadLeastFraction(uint64 leastFraction);
    error FractionTooSmall(uint64 payoutFraction, uint64 leastFraction);

    bytes32 public immutable policyId;
    /// A trigger has no degrees: claims of less than this fraction, 18 decimals, are refused.
    uint64 public immutable leastFraction;
    TriggerState public state;

    constructor(ITocsinVerifier verifier_, bytes32 termsHash_, bytes32 policyId_, uint64 leastFraction_)
        StatementConsumer(verifier_, termsHash_)
    {
        if (leastFraction_ == 0 || leastFraction_ > ClaimAttestations.ONE) revert BadLeastFraction(leastFraction_);
        policyId = policyId_;
        leastFraction = leastFraction_;
    }

    function _onTriggered(ClaimAttestation calldata a, bytes32) internal override {
        if (a.policyId != policyId) revert OtherPolicy(a.policyId, policyId);
        if (a.payoutFraction < leastFraction) revert FractionTooSmall(a.payoutFraction, leastFraction);
        if (state == TriggerState.TRIGGERED) return;
        state = TriggerState.TRIGGERED;
        emit TriggerStateUpdated(TriggerState.TRIGGERED);
    }
}
