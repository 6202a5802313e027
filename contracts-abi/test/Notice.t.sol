// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {SignerEpochs} from "../src/SignerEpochs.sol";
import {TocsinVerifier} from "../src/TocsinVerifier.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// What lets somebody new sign is announced before; what stops somebody is not.
contract NoticeTest is Fixture {
    uint64 private constant NOTICE = 2 days;
    address private constant NEXT = address(0x2e37);

    function notice() internal pure override returns (uint64) {
        return NOTICE;
    }

    function test_the_first_epoch_needs_no_notice_and_every_other_does() public {
        vm.assertTrue(verifier.epoch(1).activeFrom < NOW, "the first began before it was announced");
        address[] memory signers = addresses(keys);
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(SignerEpochs.NoticeTooShort.selector, NOW + NOTICE - 1, uint256(NOW + NOTICE))
        );
        verifier.announceEpoch(NOW + NOTICE - 1, SIGN_UNTIL, ACCEPT_UNTIL, 3, signers, 0);
        vm.prank(OWNER);
        verifier.announceEpoch(NOW + NOTICE, SIGN_UNTIL, ACCEPT_UNTIL, 3, signers, 0);
    }

    /// An owner whose key was stolen, with signers of the thief's: whatever they date, nothing is accepted before the notice.
    function test_a_hostile_owner_has_nothing_accepted_before_the_notice() public {
        ClaimAttestation memory a = announced();
        uint64 from = NOW + NOTICE;
        a.validAfter = 0;
        a.validUntil = type(uint64).max;
        a.issuedAt = from - 1;
        vm.warp(from - 1);
        refused(
            a,
            signed(a),
            abi.encodeWithSelector(
                SignerEpochs.IssuedOutsideEpoch.selector, a.signerEpoch, a.issuedAt, from, SIGN_UNTIL
            )
        );
        a.issuedAt = from;
        refused(a, signed(a), abi.encodeWithSignature("IssuedInFuture(uint64,uint256)", from, from - 1));
        vm.warp(from);
        consume(a, signed(a));
    }

    /// The guardian that such an owner wants to be rid of can revoke the epoch until it would begin, and after.
    function test_the_guardian_stays_as_long_as_an_epoch_is_noticed() public {
        vm.prank(OWNER);
        verifier.setGuardian(address(0));
        ClaimAttestation memory a = announced();
        vm.warp(NOW + NOTICE - 1);
        vm.assertEq(verifier.guardian(), GUARDIAN, "still");
        vm.prank(GUARDIAN);
        verifier.revokeEpoch(a.signerEpoch);
        vm.warp(NOW + NOTICE);
        vm.assertEq(verifier.guardian(), address(0), "no longer");
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(SignerEpochs.NotGuardian.selector, GUARDIAN));
        verifier.revokeEpoch(1);
    }

    function test_a_guardian_who_is_replaced_twice_stays_for_the_notice_of_the_last() public {
        vm.prank(OWNER);
        verifier.setGuardian(address(0));
        vm.warp(NOW + NOTICE - 1);
        vm.expectEmit(address(verifier));
        emit SignerEpochs.GuardianChanged(GUARDIAN, NEXT, NOW + 2 * NOTICE - 1);
        vm.prank(OWNER);
        verifier.setGuardian(NEXT);
        vm.warp(NOW + NOTICE);
        vm.assertEq(verifier.guardian(), GUARDIAN, "the first choice was dropped");
        vm.warp(NOW + 2 * NOTICE - 1);
        vm.assertEq(verifier.guardian(), NEXT, "the second took effect");
    }

    /// Stopping takes no notice, and going on takes none where the next epoch was announced in time.
    function test_a_second_epoch_that_was_announced_before_goes_on_when_the_first_is_revoked() public {
        ClaimAttestation memory a = announced();
        vm.warp(NOW + NOTICE);
        vm.prank(GUARDIAN);
        verifier.revokeEpoch(1);
        a.issuedAt = NOW + NOTICE;
        a.validUntil = type(uint64).max;
        consume(a, signed(a));
    }

    function test_a_notice_that_would_last_for_ever_is_refused() public {
        uint64 most = verifier.MAX_NOTICE_SECONDS();
        new TocsinVerifier(OWNER, GUARDIAN, most);
        vm.expectRevert(abi.encodeWithSelector(SignerEpochs.NoticeTooLong.selector, most + 1, most));
        new TocsinVerifier(OWNER, GUARDIAN, most + 1);
    }

    /// A claim of an epoch that was announced now, to begin as soon as may be.
    function announced() private returns (ClaimAttestation memory a) {
        a = sample();
        vm.prank(OWNER);
        a.signerEpoch = verifier.announceEpoch(NOW + NOTICE, SIGN_UNTIL, ACCEPT_UNTIL, 3, addresses(keys), 0);
    }
}
