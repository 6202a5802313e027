// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {ClaimLedger} from "../../src/ClaimLedger.sol";
import {IClaimLedger} from "../../src/IClaimLedger.sol";
import {Revocation} from "../../src/Revocation.sol";
import {SignerEpochs} from "../../src/SignerEpochs.sol";
import {TocsinVerifier} from "../../src/TocsinVerifier.sol";
import {LedgerFixture} from "../support/LedgerFixture.sol";
import {vm} from "../support/Vm.sol";

/// A quorum takes back what it said, and may say it anew under a higher revision.
contract RevocationsTest is LedgerFixture {
    ClaimAttestation private a;
    bytes32 private key;

    function setUp() public override {
        super.setUp();
        a = sample();
        key = keyOf(a);
    }

    function test_a_revoked_statement_is_accepted_nowhere() public {
        Revocation memory r = revocationOf(key, 1);
        bytes memory signatures = signedRevocation(r);
        bytes32 id = verifier.revocationId(r);
        vm.expectEmit(address(verifier));
        emit IClaimLedger.ClaimRevoked(key, id, 1, REASON);
        verifier.revokeClaim(r, signatures);
        vm.assertEq(verifier.minRevision(key), 1, "minRevision");
        refusedEverywhere(a, revokedError(key, 0, 1));
    }

    function test_a_correction_is_accepted_and_consumes_the_same_key() public {
        revoke(key, 1);
        ClaimAttestation memory second = corrected(a, 1);
        second.payoutFraction = 0.1e18;
        vm.assertEq(consume(second, signed(second)), key, "the same claim");
        revocationRefusedAsConsumed();
    }

    function test_a_correction_in_a_batch_is_accepted() public {
        revoke(key, 3);
        ClaimAttestation memory second = corrected(a, 3);
        AttestationBatchOf memory b = batched(second);
        consumeBatched(second, b.batch, b.proof);
        vm.assertTrue(verifier.consumed(key), "consumed");
    }

    function testFuzz_statements_below_the_least_revision_are_refused(uint32 least, uint32 revision) public {
        least = uint32(bound(least, 1, type(uint32).max));
        revoke(key, least);
        if (revision > 0) a = corrected(a, revision);
        if (revision < least) refusedEverywhere(a, revokedError(key, revision, least));
        else consume(a, signed(a));
    }

    function test_the_least_revision_only_rises() public {
        revoke(key, 5);
        uint32[3] memory others = [uint32(0), 4, 5];
        for (uint256 i = 0; i < others.length; ++i) {
            Revocation memory r = revocationOf(key, others[i]);
            revocationRefused(
                r,
                signedRevocation(r),
                abi.encodeWithSelector(ClaimLedger.RevisionNotRaised.selector, key, others[i], 5)
            );
        }
        revoke(key, 6);
    }

    function test_revoking_nothing_is_refused() public {
        Revocation memory r = revocationOf(key, 0);
        revocationRefused(
            r, signedRevocation(r), abi.encodeWithSelector(ClaimLedger.RevisionNotRaised.selector, key, 0, 0)
        );
    }

    function test_a_revocation_revokes_no_other_claim() public {
        revoke(key, 1);
        a.eventId = keccak256("another");
        consume(a, signed(a));
    }

    function test_negative_statements_can_be_revoked_too() public {
        a.verdict = 2;
        a.eventId = 0;
        a.payoutFraction = 0;
        revoke(keyOf(a), 1);
        bytes memory signatures = signed(a);
        vm.expectRevert(revokedError(keyOf(a), 0, 1));
        verifier.verify(a, signatures);
    }

    function test_a_correction_names_what_it_corrects_and_nothing_else_does() public {
        bytes4 reason = TocsinVerifier.RevisionWithoutSuperseded.selector;
        a.revision = 1;
        refused(a, signed(a), abi.encodeWithSelector(reason, 1, bytes32(0)));
        a.revision = 0;
        a.supersedes = keccak256("something");
        refused(a, signed(a), abi.encodeWithSelector(reason, 0, a.supersedes));
        a.revision = type(uint32).max;
        consume(a, signed(a));
    }

    function test_a_revocation_from_the_future_waits() public {
        Revocation memory r = revocationOf(key, 1);
        r.issuedAt = NOW + 1;
        bytes memory signatures = signedRevocation(r);
        revocationRefused(r, signatures, abi.encodeWithSelector(ClaimLedger.IssuedInFuture.selector, NOW + 1, NOW));
        vm.warp(NOW + 1);
        verifier.revokeClaim(r, signatures);
    }

    function test_a_revocation_is_of_a_live_epoch() public {
        Revocation memory r = revocationOf(key, 1);
        bytes memory signatures = signedRevocation(r);
        vm.warp(ACCEPT_UNTIL + 1);
        revocationRefused(
            r,
            signatures,
            abi.encodeWithSelector(SignerEpochs.EpochNotAccepted.selector, epoch, ACCEPT_UNTIL, ACCEPT_UNTIL + 1)
        );
        vm.warp(NOW);
        vm.prank(GUARDIAN);
        verifier.revokeEpoch(epoch);
        revocationRefused(r, signatures, abi.encodeWithSelector(SignerEpochs.EpochIsRevoked.selector, epoch));
    }

    function test_a_minority_revokes_nothing() public {
        Revocation memory r = revocationOf(key, 1);
        revocationRefused(
            r,
            pack(verifier.revocationId(r), keys, 0x05),
            abi.encodeWithSignature("WrongSignerCount(uint256,uint256)", 2, 3)
        );
    }

    /// Who signed it need not have known of the hold, so only a release, which names it, ends it.
    function test_a_revocation_leaves_a_hold_in_force() public {
        hold(key);
        vm.warp(NOW + 1);
        revoke(key, 1);
        a = corrected(a, 1);
        refusedEverywhere(a, heldError(key, 1));
        release(key, 1);
        consume(a, signed(a));
    }

    function revocationRefusedAsConsumed() private {
        Revocation memory r = revocationOf(key, 2);
        revocationRefused(r, signedRevocation(r), abi.encodeWithSelector(ClaimLedger.AlreadyConsumed.selector, key));
    }
}
