"""What was tampered with is refused, for its own reason; and the verifier contract refuses it, too."""

import copy
import unittest
from dataclasses import replace
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data

from payout.book import Book
from payout.quorum import check_quorum
from payout.refusal import Refusal
from payout.registry import Registry
from payout.schema import check
from payout.statement import claim_key, digest, read, signable_batch, signable_claim
from payout.verify import Terms, verify

from .stage import DOMAIN, REGISTRY, STAGE, TERMS, ShiftedRegistry, answers, book_path, get, samples

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DAY = 86_400


def reason(answer: Any, terms: Terms = TERMS, registry: Registry = REGISTRY) -> str:
    try:
        verify(answer, terms, registry)
    except Refusal as refusal:
        return refusal.reason
    return "owed"


def agrees(answer: Any) -> bool:
    """What the contract says."""
    return REGISTRY.verifies(read(answer), REGISTRY.now())


def consistent(answer: Any) -> Any:
    """With its ids put right, as somebody would who wants to be believed."""
    claim = read(answer).claim
    identity = digest(signable_claim(claim, DOMAIN))
    return answer | {"id": f"0x{identity.hex()}", "claim_key": f"0x{claim_key(claim).hex()}"}


def altered(answer: Any, part: list[str], value: Any) -> Any:
    changed = copy.deepcopy(answer)
    place = changed
    for name in part[:-1]:
        place = place[name]
    place[part[-1]] = value
    return changed


def low_bit_flipped(text: str) -> str:
    if text.startswith("0x"):
        return f"0x{int(text, 16) ^ 1:0{len(text) - 2}x}"
    return str(int(text) ^ 1)


class RefuseTest(unittest.TestCase):
    def test_genuine_ones_are_owed_and_the_contract_agrees(self) -> None:
        for answer in samples():
            self.assertEqual(reason(answer), "owed")
            self.assertTrue(agrees(answer))

    def test_no_field_of_a_claim_can_be_changed(self) -> None:
        for answer in samples():
            for name, value in answer["attestation"].items():
                if name == "verdict":
                    continue
                with self.subTest(name):
                    changed = altered(answer, ["attestation", name], low_bit_flipped(value))
                    self.assertEqual(reason(changed), "digest")
                    forged = consistent(changed)
                    self.assertNotEqual(reason(forged), "owed")
                    self.assertFalse(agrees(forged))

    def test_an_answer_of_another_form_is_refused_before_anything_is_read_of_it(self) -> None:
        single, _ = samples()
        spoiled = [
            altered(single, ["attestation", "more"], "1"),
            altered(single, ["attestation", "payoutFraction"], 1_000_000_000_000_000),
            altered(single, ["attestation", "payoutFraction"], "01"),
            altered(single, ["attestation", "payoutFraction"], str(1 << 64)),
            altered(single, ["attestation", "policyId"], single["policy"].upper()),
            altered(single, ["attestation", "verdict"], "0"),
            altered(single, ["signatures"], "0x"),
            {name: value for name, value in single.items() if name != "batch"},
            None,
            [],
        ]
        for answer in spoiled:
            self.assertEqual(reason(answer), "schema", answer)

    def test_signatures_have_one_form_and_are_the_attestors(self) -> None:
        stranger = Account.from_key((7).to_bytes(32))
        for answer in samples():
            packed = bytes.fromhex(answer["signatures"][2:])
            bitmap, r, s, v = packed[:32], packed[32:64], packed[64:96], packed[96]
            high = (ORDER - int.from_bytes(s)).to_bytes(32)
            other = bytes([55 - v])
            read_answer = read(answer)
            batch = read_answer.batch
            message = (
                signable_batch(batch.signed, DOMAIN) if batch else signable_claim(read_answer.claim, DOMAIN)
            )
            forged = stranger.sign_message(message).signature
            for signatures in [
                # The other signature of the same key: who takes it counts one statement twice.
                bitmap + r + high + other,
                bitmap + r + s + other,
                bitmap + r + s + bytes([v - 27]),
                bitmap + bytes(forged),
                (2).to_bytes(32) + packed[32:],
                bytes(32) + packed[32:],
                packed + b"\0",
                packed + packed[32:],
                packed[:-1],
                bitmap + bytes(32) + s + bytes([v]),
            ]:
                changed = answer | {"signatures": f"0x{signatures.hex()}"}
                self.assertEqual(reason(changed), "signatures", signatures.hex())
                self.assertFalse(agrees(changed))

    def test_a_batch_vouches_for_its_own(self) -> None:
        single, batched = samples()
        proof = batched["batch"]["proof"]
        for part, value in [
            (["batch", "proof"], proof[:-1]),
            (["batch", "proof"], proof + proof[:1]),
            (["batch", "proof"], proof[::-1]),
            (["batch", "signed", "count"], "4"),
            (["batch", "signed", "root"], proof[0]),
        ]:
            changed = altered(batched, part, value)
            self.assertEqual(reason(changed), "batch")
            self.assertFalse(agrees(changed))
        self.assertEqual(reason(batched | {"batch": None}), "signatures")
        borrowed = single | {"batch": batched["batch"], "signatures": batched["signatures"]}
        self.assertEqual(reason(borrowed), "batch")

    def test_it_is_for_this_service_and_for_what_it_sold(self) -> None:
        single, _ = samples()
        sold = TERMS.policy(bytes.fromhex(single["policy"][2:]))
        assert sold is not None
        for expected, terms in [
            ("consumer", replace(TERMS, consumer="0x" + "11" * 20)),
            ("policy", replace(TERMS, policy=lambda _: None)),
            ("policy", replace(TERMS, policy=lambda _: replace(sold, terms_hash=b"\x22" * 32))),
            ("digest", replace(TERMS, domain=replace(DOMAIN, chain_id=1))),
        ]:
            self.assertEqual(reason(single, terms), expected)

    def test_it_can_be_used_neither_too_early_nor_too_late(self) -> None:
        single, _ = samples()
        self.assertEqual(reason(single, registry=ShiftedRegistry(-30 * DAY)), "too-early")
        self.assertEqual(reason(single, registry=ShiftedRegistry(31 * DAY)), "expired")

    def test_a_claim_that_is_stated_anew_is_still_the_same_claim(self) -> None:
        single, _ = samples()
        book = Book(book_path())
        self.addCleanup(book.close)
        self.assertTrue(book.enter(verify(single, TERMS, REGISTRY)))
        # The attestor signs once more, at another time.
        later = str(int(single["attestation"]["issuedAt"]) + 1)
        anew = consistent(altered(single, ["attestation", "issuedAt"], later))
        message = signable_claim(read(anew).claim, DOMAIN)
        signature = Account.from_key(STAGE["attestor_key"]).sign_message(message).signature
        restated = anew | {"signatures": f"0x{((1).to_bytes(32) + bytes(signature)).hex()}"}
        self.assertNotEqual(restated["id"], single["id"])
        self.assertFalse(book.enter(verify(restated, TERMS, REGISTRY)))

    def test_a_quorum_of_two_in_three_is_exactly_that(self) -> None:
        members = {"Vote": [{"name": "what", "type": "uint8"}]}
        message = encode_typed_data(DOMAIN.eip712(), members, {"what": 1})
        keys = [Account.create() for _ in range(3)]
        signers = [key.address for key in keys]
        signed = [bytes(key.sign_message(message).signature) for key in keys]

        def pack(bitmap: int, *signatures: bytes) -> bytes:
            return bitmap.to_bytes(32) + b"".join(signatures)

        check_quorum(pack(0b101, signed[0], signed[2]), message, 2, signers)
        for packed in [
            pack(0b101, signed[2], signed[0]),
            pack(0b101, signed[0], signed[0]),
            pack(0b100, signed[2]),
            pack(0b111, *signed),
            pack(0b1001, signed[0], signed[2]),
        ]:
            with self.assertRaises(Refusal):
                check_quorum(packed, message, 2, signers)

    def test_ids_are_those_of_the_node_and_evidence_has_its_form(self) -> None:
        for answer in answers():
            found = read(answer)
            self.assertEqual(digest(signable_claim(found.claim, DOMAIN)), found.id)
            if found.batch is not None:
                self.assertEqual(digest(signable_batch(found.batch.signed, DOMAIN)), found.batch.id)
            check("evidence-bundle", get(f"v1/attestations/{answer['id']}/evidence"))
