// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimLedger} from "../src/ClaimLedger.sol";
import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {QuorumSignatures} from "../src/QuorumSignatures.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// A statement is good once, for one consumer, at one verifier, on one chain, and only as it was signed.
contract ReplayTest is Fixture {
    function test_not_twice() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        bytes32 key = consume(a, signatures);
        alreadyConsumed(a, signatures, key);
    }

    function test_not_twice_with_other_signers() public {
        ClaimAttestation memory a = sample();
        bytes32 key = consume(a, signed(a));
        alreadyConsumed(a, signedBy(a, keys, 0x0e), key);
    }

    function testFuzz_a_reissue_cannot_pay_again(
        uint64 fraction,
        int256 measured,
        uint64 confirmedAt,
        uint64 issuedAt,
        uint32 revision,
        bytes32 evidenceRoot
    ) public {
        ClaimAttestation memory a = sample();
        bytes32 id = verifier.attestationId(a);
        bytes32 key = consume(a, signed(a));

        a.payoutFraction = uint64(bound(fraction, 0, 1e18));
        a.measuredValue = measured;
        a.issuedAt = uint64(bound(issuedAt, a.confirmedAt, NOW));
        a.confirmedAt = uint64(bound(confirmedAt, a.occurredAt, a.issuedAt));
        a.validUntil += 1;
        a.revision = revision;
        a.supersedes = revision == 0 ? bytes32(0) : id;
        a.evidenceRoot = evidenceRoot;
        a.signerEpoch = announce(2, keys);
        bytes memory signatures = signedBy(a, keys, 0x18);
        vm.assertTrue(verifier.verify(a, signatures) != id, "the re-issue is a genuine, different statement");
        alreadyConsumed(a, signatures, key);
    }

    function test_another_event_is_another_claim() public {
        ClaimAttestation memory a = sample();
        bytes32 first = consume(a, signed(a));
        a.eventId = keccak256("second event");
        vm.assertTrue(consume(a, signed(a)) != first, "claim keys differ");
    }

    function test_not_on_another_chain() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        bytes32 home = verifier.domainSeparator();
        vm.chainId(block.chainid + 1);
        vm.assertTrue(verifier.domainSeparator() != home, "the domain follows the chain id");
        refusedAsOtherSigner(a, signatures);
        consume(a, signed(a));
    }

    function test_not_at_another_verifier() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        verifier = new TocsinVerifier(OWNER, GUARDIAN, 0);
        announce(3, keys);
        refusedAsOtherSigner(a, signatures);
    }

    function test_not_by_another_consumer() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        a.consumer = address(this);
        refusedAsOtherSigner(a, signatures);
    }

    function test_no_single_bit_of_the_statement_may_change() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        // Behind the selector the struct lies in line: a word for each of its 22 members.
        everyFlipIsRefused(abi.encodeCall(verifier.consume, (a, signatures)), 4, 22 * 32);
        consume(a, signatures);
    }

    function test_no_single_bit_of_the_signatures_may_change() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        // The statement, the offset and the length of the signatures come first.
        everyFlipIsRefused(abi.encodeCall(verifier.consume, (a, signatures)), 4 + 24 * 32, signatures.length);
        consume(a, signatures);
    }

    function testFuzz_no_byte_of_the_statement_may_change(uint256 place, uint8 value) public {
        ClaimAttestation memory a = sample();
        bytes memory call = abi.encodeCall(verifier.consume, (a, signed(a)));
        place = bound(place, 4, 4 + 22 * 32 - 1);
        vm.assume(uint8(call[place]) != value);
        call[place] = bytes1(value);
        vm.assertFalse(callAsConsumer(call), "a changed statement was accepted");
    }

    function testFuzz_no_byte_of_the_signatures_may_change(uint256 place, uint8 value) public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        place = bound(place, 0, signatures.length - 1);
        vm.assume(uint8(signatures[place]) != value);
        signatures[place] = bytes1(value);
        vm.assertFalse(callAsConsumer(abi.encodeCall(verifier.consume, (a, signatures))), "accepted");
    }

    function everyFlipIsRefused(bytes memory call, uint256 from, uint256 length) private {
        for (uint256 bit = from * 8; bit < (from + length) * 8; ++bit) {
            bytes1 mask = bytes1(uint8(1 << bit % 8));
            call[bit / 8] ^= mask;
            vm.assertFalse(callAsConsumer(call), vm.toString(bit));
            call[bit / 8] ^= mask;
        }
    }

    function callAsConsumer(bytes memory call) private returns (bool accepted) {
        vm.prank(CONSUMER);
        (accepted,) = address(verifier).call(call);
    }

    function alreadyConsumed(ClaimAttestation memory a, bytes memory signatures, bytes32 key) private {
        vm.prank(a.consumer);
        vm.expectRevert(abi.encodeWithSelector(ClaimLedger.AlreadyConsumed.selector, key));
        verifier.consume(a, signatures);
    }

    /// A signature over another digest recovers to somebody who is no signer.
    function refusedAsOtherSigner(ClaimAttestation memory a, bytes memory signatures) private {
        vm.prank(a.consumer);
        vm.expectPartialRevert(QuorumSignatures.WrongSigner.selector);
        verifier.consume(a, signatures);
    }
}
