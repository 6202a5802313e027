// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {StatementConsumer} from "../../src/adapters/StatementConsumer.sol";
import {LedgerFixture} from "./LedgerFixture.sol";
import {vm} from "./Vm.sol";

/// What every adapter has to hold to, and the statements that show it. A test names its adapter and the policy.
abstract contract AdapterFixture is LedgerFixture {
    /// A loss of a quarter of the adapter's policy.
    function loss(StatementConsumer adapter, bytes32 policyId) internal view returns (ClaimAttestation memory a) {
        a = sample();
        a.consumer = address(adapter);
        a.policyId = policyId;
        a.termsHash = TERMS;
    }

    /// The same policy, and nothing happened.
    function nothing(StatementConsumer adapter, bytes32 policyId) internal view returns (ClaimAttestation memory a) {
        a = loss(adapter, policyId);
        a.verdict = 2;
        a.eventId = 0;
        a.payoutFraction = 0;
    }

    function file(StatementConsumer adapter, ClaimAttestation memory a) internal {
        adapter.claim(a, signed(a));
    }

    function fileInBatch(StatementConsumer adapter, ClaimAttestation memory a) internal {
        AttestationBatchOf memory b = batched(a);
        adapter.claimBatched(a, b.batch, b.proof, b.signatures);
    }

    function filingRefused(StatementConsumer adapter, ClaimAttestation memory a, bytes memory reason) internal {
        bytes memory signatures = signed(a);
        vm.expectRevert(reason);
        adapter.claim(a, signatures);
        vm.assertFalse(verifier.consumed(keyOf(a)), "a refusal consumed the claim");
    }

    /// The rules that no adapter may break. `a` is a loss that the adapter would take.
    function keepsTheRules(StatementConsumer adapter, ClaimAttestation memory a) internal {
        bytes32 key = keyOf(a);
        ClaimAttestation memory b = abi.decode(abi.encode(a), (ClaimAttestation));
        b.termsHash = keccak256("other terms");
        filingRefused(adapter, b, abi.encodeWithSelector(StatementConsumer.OtherTerms.selector, b.termsHash, TERMS));
        b.termsHash = TERMS;
        b.consumer = CONSUMER;
        filingRefused(adapter, b, abi.encodeWithSelector(StatementConsumer.OtherConsumer.selector, CONSUMER));

        b = nothing(adapter, a.policyId);
        b.verdict = 3;
        filingRefused(adapter, b, abi.encodeWithSelector(StatementConsumer.Inconclusive.selector, 3));

        bytes memory twoOnly = signedBy(a, keys, 0x3);
        vm.expectRevert(abi.encodeWithSignature("WrongSignerCount(uint256,uint256)", 2, 3));
        adapter.claim(a, twoOnly);

        hold(key);
        filingRefused(adapter, a, heldError(key, 1));
        release(key, 1);

        uint256 clean = vm.snapshotState();
        fileInBatch(adapter, a);
        vm.assertTrue(verifier.consumed(key), "in a batch");
        vm.revertToState(clean);

        file(adapter, a);
        vm.assertTrue(verifier.consumed(key), "alone");
        bytes memory signatures = signed(a);
        vm.expectRevert(abi.encodeWithSignature("AlreadyConsumed(bytes32)", key));
        adapter.claim(a, signatures);
    }
}
