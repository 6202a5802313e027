// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../ClaimAttestation.sol";
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

    bytes32 public immutable policyId;
    TriggerState public state;

    constructor(ITocsinVerifier verifier_, bytes32 termsHash_, bytes32 policyId_)
        StatementConsumer(verifier_, termsHash_)
    {
        policyId = policyId_;
    }

    /// A trigger has no degrees: a claim that pays nothing triggers nothing, and is consumed all the same.
    function _onTriggered(ClaimAttestation calldata a, bytes32) internal override {
        if (a.policyId != policyId) revert OtherPolicy(a.policyId, policyId);
        if (a.payoutFraction == 0 || state == TriggerState.TRIGGERED) return;
        state = TriggerState.TRIGGERED;
        emit TriggerStateUpdated(TriggerState.TRIGGERED);
    }
}
