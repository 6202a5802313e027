// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {EasAttestation, EasMirrorResolver} from "../../src/adapters/EasMirrorResolver.sol";
import {vm} from "../../test/support/Vm.sol";
import {Published} from "./Published.sol";

struct AttestationRequestData {
    address recipient;
    uint64 expirationTime;
    bool revocable;
    bytes32 refUID;
    bytes data;
    uint256 value;
}

struct AttestationRequest {
    bytes32 schema;
    AttestationRequestData data;
}

struct MultiAttestationRequest {
    bytes32 schema;
    AttestationRequestData[] data;
}

struct RevocationRequestData {
    bytes32 uid;
    uint256 value;
}

struct RevocationRequest {
    bytes32 schema;
    RevocationRequestData data;
}

interface IEas {
    function attest(AttestationRequest calldata request) external payable returns (bytes32);
    function multiAttest(MultiAttestationRequest[] calldata requests) external payable returns (bytes32[] memory);
    function revoke(RevocationRequest calldata request) external payable;
    function getAttestation(bytes32 uid) external view returns (EasAttestation memory);
}

interface ISchemaRegistry {
    function register(string calldata schema, address resolver, bool revocable) external returns (bytes32);
}

/// The real EAS and its schema registry ask the resolver.
contract EasTest is Published {
    IEas private eas;
    EasMirrorResolver private resolver;
    ISchemaRegistry private registry;
    bytes32 private schema;

    function setUp() public override {
        super.setUp();
        registry = ISchemaRegistry(deploy("SchemaRegistry", ""));
        eas = IEas(deploy("EAS", abi.encode(registry)));
        resolver = new EasMirrorResolver(address(eas), verifier);
        schema = registry.register(resolver.SCHEMA(), address(resolver), true);
        vm.assertEq(schema, resolver.schema(), "the schema is EAS's own");
    }

    function test_anybody_mirrors_what_a_quorum_signed() public {
        ClaimAttestation memory a = sample();
        vm.prank(address(0xb0b));
        bytes32 uid = eas.attest(mirror(a, signed(a)));
        EasAttestation memory made = eas.getAttestation(uid);
        (ClaimAttestation memory read,) = abi.decode(made.data, (ClaimAttestation, bytes));
        vm.assertEq(verifier.attestationId(read), verifier.attestationId(a), "the same statement");
        vm.assertEq(made.recipient, a.consumer, "recipient");
        vm.assertFalse(verifier.consumed(keyOf(a)), "mirroring consumes nothing");
        consume(a, signed(a));
    }

    function test_a_no_can_be_mirrored() public {
        ClaimAttestation memory a = sample();
        (a.verdict, a.eventId, a.payoutFraction) = (2, 0, 0);
        eas.attest(mirror(a, signed(a)));
    }

    function test_what_nobody_signed_is_no_mirror() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        a.payoutFraction = 1e18;
        vm.expectPartialRevert(bytes4(keccak256("WrongSigner(uint256,address,address)")));
        eas.attest(mirror(a, signatures));
    }

    function test_what_is_held_revoked_or_over_is_no_mirror() public {
        ClaimAttestation memory a = sample();
        AttestationRequest memory request = mirror(a, signed(a));
        hold(keyOf(a));
        refused(request, heldError(keyOf(a), 1));
        release(keyOf(a), 1);
        revoke(keyOf(a), 1);
        refused(request, revokedError(keyOf(a), 0, 1));
        a = corrected(a, 1);
        request = mirror(a, signed(a));
        vm.warp(a.validUntil + 1);
        vm.expectRevert(abi.encodeWithSignature("InvalidExpirationTime()"));
        eas.attest(request);
    }

    function test_the_mirror_says_what_the_statement_says() public {
        ClaimAttestation memory a = sample();
        AttestationRequest memory request = mirror(a, signed(a));
        request.data.recipient = address(this);
        refused(request, abi.encodeWithSelector(EasMirrorResolver.OtherRecipient.selector, address(this), a.consumer));
        request = mirror(a, signed(a));
        request.data.expirationTime += 1;
        refused(request, abi.encodeWithSelector(EasMirrorResolver.OtherExpiry.selector, a.validUntil + 1, a.validUntil));
        request = mirror(a, signed(a));
        request.data.revocable = false;
        refused(request, abi.encodeWithSelector(EasMirrorResolver.NotRevocable.selector));
        request = mirror(a, signed(a));
        request.data.data = bytes.concat(request.data.data, bytes32(0));
        refused(request, abi.encodeWithSelector(EasMirrorResolver.NotCanonical.selector));
    }

    /// The same shape under other labels would have a quorum say what it never said.
    function test_another_schema_is_not_served() public {
        bytes32 own = schema;
        schema = registry.register("bytes32 anything", address(resolver), true);
        ClaimAttestation memory a = sample();
        refused(mirror(a, signed(a)), abi.encodeWithSelector(EasMirrorResolver.OtherSchema.selector, schema, own));
        schema = registry.register(resolver.SCHEMA(), address(resolver), false);
        refused(mirror(a, signed(a)), abi.encodeWithSignature("Irrevocable()"));
    }

    function test_many_at_once_all_or_none() public {
        ClaimAttestation memory a = sample();
        ClaimAttestation memory b = sample();
        b.eventId = keccak256("another");
        MultiAttestationRequest[] memory requests = new MultiAttestationRequest[](1);
        requests[0] = MultiAttestationRequest({schema: schema, data: new AttestationRequestData[](2)});
        requests[0].data[0] = mirror(a, signed(a)).data;
        requests[0].data[1] = mirror(b, signed(b)).data;
        vm.assertEq(eas.multiAttest(requests).length, 2, "both");
        requests[0].data[1] = mirror(b, signed(a)).data;
        vm.expectPartialRevert(bytes4(keccak256("WrongSigner(uint256,address,address)")));
        eas.multiAttest(requests);
    }

    function test_who_mirrored_takes_the_mirror_back_and_nothing_else() public {
        ClaimAttestation memory a = sample();
        bytes32 uid = eas.attest(mirror(a, signed(a)));
        eas.revoke(RevocationRequest({schema: schema, data: RevocationRequestData({uid: uid, value: 0})}));
        vm.assertEq(eas.getAttestation(uid).revocationTime, NOW, "revoked on EAS");
        consume(a, signed(a));
    }

    function test_only_eas_asks_and_no_money_is_taken() public {
        EasAttestation memory made;
        vm.expectRevert(abi.encodeWithSelector(EasMirrorResolver.NotEas.selector, address(this)));
        resolver.attest(made);
        ClaimAttestation memory a = sample();
        AttestationRequest memory request = mirror(a, signed(a));
        request.data.value = 1;
        vm.expectRevert(abi.encodeWithSignature("NotPayable()"));
        eas.attest(request);
    }

    function mirror(ClaimAttestation memory a, bytes memory signatures)
        private
        view
        returns (AttestationRequest memory)
    {
        return AttestationRequest({
            schema: schema,
            data: AttestationRequestData({
                recipient: a.consumer,
                expirationTime: a.validUntil,
                revocable: true,
                refUID: 0,
                data: abi.encode(a, signatures),
                value: 0
            })
        });
    }

    function refused(AttestationRequest memory request, bytes memory reason) private {
        vm.expectRevert(reason);
        eas.attest(request);
    }
}
