// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {QuorumSignatures} from "../src/QuorumSignatures.sol";
import {SignerEpochs} from "../src/SignerEpochs.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// Who announces and revokes signer epochs, and when their statements count.
contract EpochsTest is Fixture {
    function test_an_epoch_reads_back_as_announced() public {
        address[] memory signers = addresses(keys);
        vm.expectEmit(address(verifier));
        emit SignerEpochs.EpochAnnounced(2, 10, 20, 30, 4, signers, 0);
        vm.prank(OWNER);
        vm.assertEq(verifier.announceEpoch(10, 20, 30, 4, signers, 0), 2, "numbered in turn");
        vm.assertEq(verifier.epochCount(), 2, "counted");

        SignerEpochs.Epoch memory e = verifier.epoch(2);
        vm.assertEq(e.activeFrom, 10, "activeFrom");
        vm.assertEq(e.signUntil, 20, "signUntil");
        vm.assertEq(e.acceptUntil, 30, "acceptUntil");
        vm.assertEq(e.threshold, 4, "threshold");
        vm.assertFalse(e.revoked, "revoked");
        vm.assertEq(keccak256(abi.encode(e.signers)), keccak256(abi.encode(signers)), "signers");
    }

    function test_only_the_owner_announces() public {
        address[] memory signers = addresses(keys);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        verifier.announceEpoch(1, 2, 3, 1, signers, 0);
    }

    function testFuzz_times_are_in_order(uint64 activeFrom, uint64 signUntil, uint64 acceptUntil) public {
        address[] memory signers = addresses(keys);
        if (activeFrom > signUntil || signUntil > acceptUntil) {
            bytes4 reason = SignerEpochs.EpochTimesOutOfOrder.selector;
            vm.expectRevert(abi.encodeWithSelector(reason, activeFrom, signUntil, acceptUntil));
        }
        vm.prank(OWNER);
        verifier.announceEpoch(activeFrom, signUntil, acceptUntil, 1, signers, 0);
    }

    function test_threshold_is_between_one_and_all() public {
        announcementRefused(0, addresses(keys), abi.encodeWithSelector(SignerEpochs.BadThreshold.selector, 0, 5));
        announcementRefused(6, addresses(keys), abi.encodeWithSelector(SignerEpochs.BadThreshold.selector, 6, 5));
        announcementRefused(1, new address[](0), abi.encodeWithSelector(SignerEpochs.BadThreshold.selector, 1, 0));
    }

    function test_at_most_255_signers() public {
        address[] memory signers = new address[](256);
        announcementRefused(1, signers, abi.encodeWithSelector(SignerEpochs.TooManySigners.selector, 256));
    }

    function test_signers_are_distinct_and_not_zero() public {
        address[] memory signers = addresses(keys);
        signers[3] = signers[2];
        announcementRefused(1, signers, abi.encodeWithSelector(SignerEpochs.SignersNotAscending.selector, 3));
        signers = addresses(keys);
        (signers[1], signers[2]) = (signers[2], signers[1]);
        announcementRefused(1, signers, abi.encodeWithSelector(SignerEpochs.SignersNotAscending.selector, 2));
        signers = addresses(keys);
        signers[0] = address(0);
        announcementRefused(1, signers, abi.encodeWithSelector(SignerEpochs.SignersNotAscending.selector, 0));
    }

    function test_unknown_epochs() public {
        ClaimAttestation memory a = sample();
        uint32[3] memory unknown = [uint32(0), epoch + 1, type(uint32).max];
        for (uint256 i = 0; i < unknown.length; ++i) {
            a.signerEpoch = unknown[i];
            bytes memory reason = abi.encodeWithSelector(SignerEpochs.UnknownEpoch.selector, unknown[i]);
            refused(a, signed(a), reason);
            vm.expectRevert(reason);
            verifier.epoch(unknown[i]);
            vm.prank(GUARDIAN);
            vm.expectRevert(reason);
            verifier.revokeEpoch(unknown[i]);
        }
    }

    function test_signers_sign_only_in_their_time() public {
        ClaimAttestation memory a = sample();
        vm.prank(OWNER);
        a.signerEpoch = verifier.announceEpoch(a.issuedAt, a.issuedAt, ACCEPT_UNTIL, 3, addresses(keys), 0);
        bytes4 reason = SignerEpochs.IssuedOutsideEpoch.selector;
        uint64 only = a.issuedAt;
        a.issuedAt = only - 1;
        refused(a, signed(a), abi.encodeWithSelector(reason, a.signerEpoch, only - 1, only, only));
        a.issuedAt = only + 1;
        refused(a, signed(a), abi.encodeWithSelector(reason, a.signerEpoch, only + 1, only, only));
        a.issuedAt = only;
        consume(a, signed(a));
    }

    function test_an_old_epoch_is_accepted_until_its_last_second() public {
        ClaimAttestation memory a = sample();
        a.validUntil = ACCEPT_UNTIL + DAY;
        bytes memory signatures = signed(a);
        vm.warp(ACCEPT_UNTIL + 1);
        bytes4 reason = SignerEpochs.EpochNotAccepted.selector;
        refused(a, signatures, abi.encodeWithSelector(reason, epoch, ACCEPT_UNTIL, ACCEPT_UNTIL + 1));
        vm.warp(ACCEPT_UNTIL);
        consume(a, signatures);
    }

    function test_epochs_overlap() public {
        ClaimAttestation memory a = sample();
        uint32 next = announce(1, keys);
        consume(a, signed(a));
        a.eventId = keccak256("next");
        a.signerEpoch = next;
        consume(a, signedBy(a, keys, 0x10));
    }

    function test_a_statement_is_bound_to_its_epoch() public {
        ClaimAttestation memory a = sample();
        bytes memory signatures = signed(a);
        // Same signers, same threshold: only the number of the epoch differs.
        a.signerEpoch = announce(3, keys);
        vm.prank(CONSUMER);
        vm.expectPartialRevert(QuorumSignatures.WrongSigner.selector);
        verifier.consume(a, signatures);
    }

    function test_guardian_and_owner_revoke_at_once_and_for_good() public {
        address[2] memory allowed = [GUARDIAN, OWNER];
        for (uint256 i = 0; i < allowed.length; ++i) {
            ClaimAttestation memory a = sample();
            a.signerEpoch = announce(3, keys);
            bytes memory signatures = signed(a);
            vm.expectEmit(address(verifier));
            emit SignerEpochs.EpochRevoked(a.signerEpoch, allowed[i]);
            vm.prank(allowed[i]);
            verifier.revokeEpoch(a.signerEpoch);

            bytes memory reason = abi.encodeWithSelector(SignerEpochs.EpochIsRevoked.selector, a.signerEpoch);
            refused(a, signatures, reason);
            vm.assertTrue(verifier.epoch(a.signerEpoch).revoked, "revoked");
            vm.prank(allowed[i]);
            vm.expectRevert(reason);
            verifier.revokeEpoch(a.signerEpoch);
        }
        ClaimAttestation memory other = sample();
        consume(other, signed(other));
    }

    function test_nobody_else_revokes() public {
        vm.expectRevert(abi.encodeWithSelector(SignerEpochs.NotGuardian.selector, address(this)));
        verifier.revokeEpoch(epoch);
    }

    function test_the_owner_replaces_the_guardian() public {
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        verifier.setGuardian(address(this));

        vm.expectEmit(address(verifier));
        emit SignerEpochs.GuardianChanged(GUARDIAN, address(this), NOW);
        vm.prank(OWNER);
        verifier.setGuardian(address(this));
        verifier.revokeEpoch(epoch);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(SignerEpochs.NotGuardian.selector, GUARDIAN));
        verifier.revokeEpoch(epoch);
    }

    function test_ownership_moves_in_two_steps() public {
        vm.prank(OWNER);
        verifier.transferOwnership(address(this));
        vm.assertEq(verifier.owner(), OWNER, "not before it is accepted");
        verifier.acceptOwnership();
        vm.assertEq(verifier.owner(), address(this), "accepted");
    }

    function test_ownership_is_not_given_up() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(SignerEpochs.OwnerNeeded.selector));
        verifier.renounceOwnership();
    }

    function announcementRefused(uint8 threshold, address[] memory signers, bytes memory reason) private {
        vm.prank(OWNER);
        vm.expectRevert(reason);
        verifier.announceEpoch(1, 2, 3, threshold, signers, 0);
        vm.assertEq(verifier.epochCount(), epoch, "nothing was announced");
    }
}
