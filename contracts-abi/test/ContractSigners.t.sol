// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../src/ClaimAttestation.sol";
import {HoldRelease} from "../src/HoldRelease.sol";
import {MixedSignatures} from "../src/MixedSignatures.sol";
import {QuorumSignatures} from "../src/QuorumSignatures.sol";
import {Revocation} from "../src/Revocation.sol";
import {SignerEpochs} from "../src/SignerEpochs.sol";
import {LedgerFixture} from "./support/LedgerFixture.sol";
import {KeyWallet, OddWallet} from "./support/Wallets.sol";
import {vm} from "./support/Vm.sol";

/// Attestors that are contracts vote by ERC-1271, as what they were announced as, and in one encoding.
contract ContractSignersTest is LedgerFixture {
    uint256 private constant MIXED = 1 << 255;
    uint256 private constant WALLET_KEY = uint256(keccak256("the wallet's key"));

    KeyWallet private wallet;
    /// The signers of the mixed epoch: two keys and the wallet, 2 of 3.
    address[] private signers;
    uint256 private walletIndex;
    ClaimAttestation private a;

    function setUp() public override {
        super.setUp();
        wallet = new KeyWallet(vm.addr(WALLET_KEY));
        (signers, walletIndex) = inOrder(address(wallet));
        epoch = announceMixed(signers, 1 << walletIndex);
        a = sample();
    }

    function test_the_kind_is_announced_and_reads_back() public {
        vm.expectEmit(address(verifier));
        emit SignerEpochs.EpochAnnounced(3, ACTIVE_FROM, SIGN_UNTIL, ACCEPT_UNTIL, 2, signers, 1 << walletIndex);
        uint32 number = announceMixed(signers, 1 << walletIndex);
        SignerEpochs.Epoch memory e = verifier.epoch(number);
        vm.assertEq(e.contractSigners, 1 << walletIndex, "contractSigners");
        vm.assertEq(keccak256(abi.encode(e.signers)), keccak256(abi.encode(signers)), "signers");
    }

    function test_a_kind_of_nobody_is_refused() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(SignerEpochs.ContractSignersOutOfRange.selector, 8, 3));
        verifier.announceEpoch(1, 2, 3, 1, signers, 8);
    }

    function test_a_wallet_and_a_key_make_a_quorum() public {
        consume(a, mixed(verifier.attestationId(a)));
    }

    function test_keys_alone_are_encoded_as_ever() public {
        consume(a, keysOnly(verifier.attestationId(a)));
    }

    function test_in_a_batch() public {
        AttestationBatchOf memory b = batched(a);
        bytes memory signatures = mixed(verifier.batchId(b.batch));
        vm.prank(CONSUMER);
        verifier.consumeBatched(a, b.batch, b.proof, signatures);
    }

    function test_for_releases_and_revocations() public {
        bytes32 key = keyOf(a);
        hold(key);
        HoldRelease memory release_ = releaseOf(key, 1);
        verifier.releaseClaim(release_, mixed(verifier.holdReleaseId(release_)));
        Revocation memory revocation = revocationOf(key, 1);
        verifier.revokeClaim(revocation, mixed(verifier.revocationId(revocation)));
    }

    function test_a_wallet_that_changes_its_mind_is_not_counted() public {
        bytes memory signatures = mixed(verifier.attestationId(a));
        wallet.lock();
        refused(a, signatures, voteRefused(walletIndex, address(wallet)));
    }

    /// Its owner's signature over the digest itself is no vote: the vote names the wallet.
    function test_a_wallet_votes_for_itself_only() public {
        bytes32 digest = verifier.attestationId(a);
        bytes memory bare = signature(WALLET_KEY, digest);
        refused(a, packMixed(digest, bare), voteRefused(walletIndex, address(wallet)));

        KeyWallet twin = new KeyWallet(vm.addr(WALLET_KEY));
        bytes memory ofTwin = signature(WALLET_KEY, verifier.voteDigest(digest, address(twin)));
        refused(a, packMixed(digest, ofTwin), voteRefused(walletIndex, address(wallet)));
    }

    function test_a_vote_is_for_one_verifier_on_one_chain() public {
        bytes32 digest = verifier.attestationId(a);
        bytes memory vote = voteOf(digest);
        vm.chainId(block.chainid + 1);
        // The key signs here, the wallet's vote is from elsewhere.
        bytes memory signatures = packMixed(verifier.attestationId(a), vote);
        refused(a, signatures, voteRefused(walletIndex, address(wallet)));
    }

    function test_a_vote_of_another_type_is_none() public {
        bytes32 digest = verifier.attestationId(a);
        Revocation memory r = revocationOf(keyOf(a), 1);
        refused(a, packMixed(digest, voteOf(verifier.revocationId(r))), voteRefused(walletIndex, address(wallet)));
    }

    function test_a_contract_never_signs_as_a_key() public {
        // Announced as a contract, although its address is a key's.
        address[] memory list = addresses(keys);
        epoch = announceMixed(list, 1);
        a.signerEpoch = epoch;
        bytes memory signatures = signedBy(a, keys, 0x3);
        refused(a, signatures, abi.encodeWithSelector(QuorumSignatures.SignerIsContract.selector, 0, list[0]));
    }

    function test_a_key_never_votes_as_a_contract() public {
        // Announced as a key; that there is code at its address changes nothing.
        epoch = announceMixed(signers, 0);
        a.signerEpoch = epoch;
        bytes memory signatures = mixed(verifier.attestationId(a));
        refused(
            a,
            signatures,
            abi.encodeWithSelector(MixedSignatures.SignerIsNoContract.selector, walletIndex, address(wallet))
        );
    }

    function test_a_contract_without_code_says_nothing() public {
        vm.etch(address(wallet), "");
        refused(a, mixed(verifier.attestationId(a)), voteRefused(walletIndex, address(wallet)));
    }

    function test_odd_answers_are_no_votes() public {
        for (uint256 mood = 0; mood <= uint256(type(OddWallet.Mood).max); ++mood) {
            OddWallet odd = new OddWallet(OddWallet.Mood(mood));
            (signers, walletIndex) = inOrder(address(odd));
            epoch = announceMixed(signers, 1 << walletIndex);
            a.signerEpoch = epoch;
            bytes memory call = abi.encodeCall(verifier.consume, (a, mixed(verifier.attestationId(a))));
            vm.prank(CONSUMER);
            (bool accepted,) = address(verifier).call{gas: 1_000_000}(call);
            vm.assertFalse(accepted, vm.toString(mood));
        }
    }

    function test_a_vote_may_have_any_length_up_to_what_two_bytes_count() public {
        // An odd wallet would be asked and refuse; what matters is that it was asked with all of it.
        bytes32 digest = verifier.attestationId(a);
        refused(a, packMixed(digest, ""), voteRefused(walletIndex, address(wallet)));
        refused(a, packMixed(digest, new bytes(type(uint16).max)), voteRefused(walletIndex, address(wallet)));
    }

    function test_one_encoding() public {
        bytes32 digest = verifier.attestationId(a);
        bytes memory good = mixed(digest);
        uint256 bitmap = uint256(bytes32(good)) & ~MIXED;
        bytes memory rest = tail(good, 64);

        // Trailing bytes, missing bytes.
        refused(a, bytes.concat(good, hex"00"), abi.encodeWithSelector(MixedSignatures.TrailingBytes.selector, 1));
        bytes memory short = head(good, good.length - 1);
        vm.prank(CONSUMER);
        vm.expectPartialRevert(MixedSignatures.SignatureCutShort.selector);
        verifier.consume(a, short);
        refused(a, head(good, 63), abi.encodeWithSelector(QuorumSignatures.SignaturesTooShort.selector, 63));

        // The mixed form without a contract, and contracts that did not sign.
        bytes4 reason = MixedSignatures.ContractBitmapOutOfRange.selector;
        bytes memory none = bytes.concat(abi.encode(bitmap | MIXED, uint256(0)), rest);
        refused(a, none, abi.encodeWithSelector(reason, 0, bitmap));
        uint256 beyond = 1 << walletIndex | 1 << 7;
        bytes memory stranger = bytes.concat(abi.encode(bitmap | MIXED, beyond), rest);
        refused(a, stranger, abi.encodeWithSelector(reason, beyond, bitmap));
        consume(a, good);
    }

    function testFuzz_no_bit_may_change(uint256 bit) public {
        bytes memory signatures = mixed(verifier.attestationId(a));
        bit = bound(bit, 0, signatures.length * 8 - 1);
        signatures[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        vm.prank(CONSUMER);
        (bool accepted,) = address(verifier).call(abi.encodeCall(verifier.consume, (a, signatures)));
        vm.assertFalse(accepted, "accepted");
    }

    /// Two keys and `account`, as an epoch lists them, and where the account is among them.
    function inOrder(address account) private view returns (address[] memory list, uint256 index) {
        list = new address[](3);
        (address low, address high) = (vm.addr(keys[0]), vm.addr(keys[4]));
        index = account < low ? 0 : account < high ? 1 : 2;
        list[index] = account;
        list[index == 0 ? 1 : 0] = low;
        list[index == 2 ? 1 : 2] = high;
    }

    function announceMixed(address[] memory list, uint256 contracts) private returns (uint32) {
        vm.prank(OWNER);
        return verifier.announceEpoch(ACTIVE_FROM, SIGN_UNTIL, ACCEPT_UNTIL, 2, list, contracts);
    }

    function voteOf(bytes32 digest) private view returns (bytes memory) {
        return signature(WALLET_KEY, verifier.voteDigest(digest, signers[walletIndex]));
    }

    function mixed(bytes32 digest) private view returns (bytes memory) {
        return packMixed(digest, voteOf(digest));
    }

    /// The wallet's vote and the signature of the first key.
    function packMixed(bytes32 digest, bytes memory vote) private view returns (bytes memory) {
        uint256 keyIndex = walletIndex == 0 ? 1 : 0;
        bytes memory ofKey = signature(keys[0], digest);
        bytes memory ofWallet = bytes.concat(bytes2(uint16(vote.length)), vote);
        bytes memory both = keyIndex == 0 ? bytes.concat(ofKey, ofWallet) : bytes.concat(ofWallet, ofKey);
        return bytes.concat(abi.encode(MIXED | 1 << walletIndex | 1 << keyIndex, uint256(1 << walletIndex)), both);
    }

    function keysOnly(bytes32 digest) private view returns (bytes memory) {
        uint256 bitmap = 7 & ~(1 << walletIndex);
        return bytes.concat(abi.encode(bitmap), signature(keys[0], digest), signature(keys[4], digest));
    }

    function voteRefused(uint256 index, address attestor) private pure returns (bytes memory) {
        return abi.encodeWithSelector(MixedSignatures.VoteRefused.selector, index, attestor);
    }

    function head(bytes memory data, uint256 length) private pure returns (bytes memory) {
        return slice(data, 0, length);
    }

    function tail(bytes memory data, uint256 from) private pure returns (bytes memory) {
        return slice(data, from, data.length);
    }

    function slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            part[i - from] = data[i];
        }
    }
}
