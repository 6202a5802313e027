// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {CozyTrigger} from "../../src/adapters/CozyTrigger.sol";
import {INaymsSimplePolicies, NaymsClaims} from "../../src/adapters/NaymsClaims.sol";
import {AdapterFixture} from "../support/AdapterFixture.sol";
import {vm} from "../support/Vm.sol";

/// Nayms's facet for simple policies, re-created by interface: who has the privilege pays, each claim once, within the limit,
/// and a claim's id is of the kind that Nayms's objects of type "CLAIM" have.
contract MiniNayms is INaymsSimplePolicies {
    address public manager;
    uint256 public limit;
    mapping(bytes32 claimId => uint256) public paid;
    bytes32 public lastPolicy;
    bytes32 public lastInsured;

    constructor(uint256 limit_) {
        limit = limit_;
    }

    function setManager(address manager_) external {
        manager = manager_;
    }

    function paySimpleClaim(bytes32 claimId, bytes32 policyId, bytes32 insuredId, uint256 amount) external {
        require(msg.sender == manager, "no privilege");
        require(bytes12(claimId) == bytes12("CLAIM"), "invalid object type");
        require(amount > 0, "invalid claim amount");
        require(paid[claimId] == 0, "claim exists");
        require(amount <= limit, "exceeds policy limit");
        limit -= amount;
        paid[claimId] = amount;
        (lastPolicy, lastInsured) = (policyId, insuredId);
    }
}

contract CozyTest is AdapterFixture {
    bytes32 private constant POLICY = keccak256("a safety module");
    CozyTrigger private trigger;

    function setUp() public override {
        super.setUp();
        trigger = new CozyTrigger(verifier, TERMS, POLICY, 0.25e18);
    }

    function test_keeps_the_rules() public {
        keepsTheRules(trigger, loss(trigger, POLICY));
    }

    function test_triggers_once_and_for_good() public {
        stateIs(CozyTrigger.TriggerState.ACTIVE);
        ClaimAttestation memory a = loss(trigger, POLICY);
        a.payoutFraction = 0.25e18 - 1;
        filingRefused(trigger, a, abi.encodeWithSelector(CozyTrigger.FractionTooSmall.selector, 0.25e18 - 1, 0.25e18));
        stateIs(CozyTrigger.TriggerState.ACTIVE);
        a = loss(trigger, POLICY);
        a.eventId = keccak256("second");
        bytes memory signatures = signed(a);
        vm.expectEmit(address(trigger));
        emit CozyTrigger.TriggerStateUpdated(CozyTrigger.TriggerState.TRIGGERED);
        trigger.claim(a, signatures);
        stateIs(CozyTrigger.TriggerState.TRIGGERED);
        a.eventId = keccak256("third");
        file(trigger, a);
        stateIs(CozyTrigger.TriggerState.TRIGGERED);
    }

    function test_cozy_counts_triggered_as_one() public {
        file(trigger, loss(trigger, POLICY));
        (, bytes memory answer) = address(trigger).staticcall(abi.encodeWithSignature("state()"));
        vm.assertEq(abi.decode(answer, (uint256)), 1, "the number that Cozy reads");
    }

    function test_of_one_policy() public {
        ClaimAttestation memory a = loss(trigger, keccak256("another"));
        filingRefused(trigger, a, abi.encodeWithSelector(CozyTrigger.OtherPolicy.selector, a.policyId, POLICY));
    }

    function stateIs(CozyTrigger.TriggerState expected) private view {
        vm.assertEq(uint256(trigger.state()), uint256(expected), "state");
    }
}

contract NaymsTest is AdapterFixture {
    bytes32 private constant NAYMS_POLICY = keccak256("a simple policy");
    bytes32 private constant INSURED = keccak256("an insured party");

    MiniNayms private nayms;
    NaymsClaims private claims;
    bytes32 private policyId;

    function setUp() public override {
        super.setUp();
        nayms = new MiniNayms(1_000e6);
        claims = new NaymsClaims(verifier, TERMS, nayms, UNDERWRITER);
        nayms.setManager(address(claims));
        vm.prank(UNDERWRITER);
        policyId = claims.insure(NAYMS_POLICY, INSURED, 800e6);
    }

    function test_keeps_the_rules() public {
        keepsTheRules(claims, loss(claims, policyId));
    }

    function test_pays_the_share_of_the_sum_insured() public {
        ClaimAttestation memory a = loss(claims, policyId);
        file(claims, a);
        vm.assertEq(nayms.paid(claims.claimIdOf(keyOf(a))), 200e6, "a quarter, under the claim key");
        vm.assertEq(nayms.lastPolicy(), NAYMS_POLICY, "policy");
        vm.assertEq(nayms.lastInsured(), INSURED, "insured");
    }

    function test_over_all_events_at_most_the_sum_insured() public {
        uint64[4] memory fractions = [uint64(0.7e18), 0.7e18, 0.7e18, 0];
        uint256[4] memory paid = [uint256(560e6), 240e6, 0, 0];
        for (uint256 i = 0; i < fractions.length; ++i) {
            ClaimAttestation memory a = loss(claims, policyId);
            a.eventId = keccak256(abi.encode(i));
            a.payoutFraction = fractions[i];
            file(claims, a);
            vm.assertEq(nayms.paid(claims.claimIdOf(keyOf(a))), paid[i], vm.toString(i));
            vm.assertTrue(verifier.consumed(keyOf(a)), "consumed");
        }
    }

    function test_what_nayms_refuses_is_not_consumed() public {
        nayms.setManager(address(this));
        ClaimAttestation memory a = loss(claims, policyId);
        bytes memory signatures = signed(a);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "no privilege"));
        claims.claim(a, signatures);
        vm.assertFalse(verifier.consumed(keyOf(a)), "consumed");
    }

    function test_the_underwriter_insures_once_and_nobody_else_does() public {
        vm.expectRevert(abi.encodeWithSelector(NaymsClaims.NotUnderwriter.selector, address(this)));
        claims.insure(keccak256("another"), INSURED, 1);
        vm.startPrank(UNDERWRITER);
        vm.expectRevert(abi.encodeWithSelector(NaymsClaims.AlreadyInsured.selector, policyId));
        claims.insure(NAYMS_POLICY, INSURED, 1);
        vm.expectRevert(abi.encodeWithSelector(NaymsClaims.NothingInsured.selector));
        claims.insure(keccak256("another"), INSURED, 0);
        vm.stopPrank();
        ClaimAttestation memory a = loss(claims, keccak256("unknown"));
        filingRefused(claims, a, abi.encodeWithSelector(NaymsClaims.NotInsured.selector, a.policyId));
    }
}
