"""Statements for a programme off-chain: owed by who may sign for it, and nowhere else."""

import unittest
from dataclasses import replace
from typing import Any

from eth_account import Account

from payout.agreed import Agreed
from payout.book import Book
from payout.refusal import Refusal
from payout.registry import Epoch, Registry
from payout.statement import Programme, digest, read, signable_claim
from payout.verify import verify

from .stage import REGISTRY, STAGE, TERMS, book_path, samples

PROGRAMME = Programme(bytes([0x0F]) * 32)
TERMS_OFF_CHAIN = replace(TERMS, domain=PROGRAMME)
ATTESTOR = Account.from_key(STAGE["attestor_key"])
EPOCH = Epoch(0, 2**64 - 1, 2**64 - 1, 1, [ATTESTOR.address], 0, False)


def stated(claim: dict[str, Any], answer: Any) -> Any:
    """The same claim, signed for the programme."""
    message = signable_claim(claim, PROGRAMME)
    signature = bytes((1).to_bytes(32) + ATTESTOR.sign_message(message).signature)
    written = answer["attestation"] | {"signerEpoch": str(claim["signerEpoch"])}
    return answer | {
        "id": f"0x{digest(message).hex()}",
        "attestation": written,
        "signatures": f"0x{signature.hex()}",
    }


class ProgrammeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.on_chain, _ = samples()
        self.claim = read(self.on_chain).claim
        self.answer = stated(self.claim, self.on_chain)

    def agreed(self, programme: Programme = PROGRAMME, after: int = 0, **change: Any) -> Agreed:
        begins = max(self.claim["issuedAt"], self.claim["validAfter"])
        number = self.claim["signerEpoch"]
        return Agreed(programme, {number: replace(EPOCH, **change)}, lambda: begins + after)

    def reason(self, answer: Any, registry: Registry | Agreed) -> str:
        try:
            verify(answer, replace(TERMS, domain=registry.domain), registry)
        except Refusal as refusal:
            return refusal.reason
        return "owed"

    def test_it_is_owed_once_whichever_epoch_states_it(self) -> None:
        book = Book(book_path())
        first = verify(self.answer, TERMS_OFF_CHAIN, self.agreed())
        self.assertTrue(book.enter(first))
        # Its epoch was revoked, and the next one says it anew.
        number = self.claim["signerEpoch"] + 1
        anew = stated(self.claim | {"signerEpoch": number}, self.on_chain)
        self.assertNotEqual(anew["id"], self.answer["id"])
        begins = max(self.claim["issuedAt"], self.claim["validAfter"])
        both = {number - 1: replace(EPOCH, revoked=True), number: EPOCH}
        rotated = Agreed(PROGRAMME, both, lambda: begins)
        self.assertEqual(self.reason(self.answer, rotated), "epoch")
        self.assertFalse(book.enter(verify(anew, TERMS_OFF_CHAIN, rotated)))

    def test_it_is_of_this_programme_and_of_nothing_else(self) -> None:
        self.assertEqual(self.reason(self.answer, self.agreed(Programme(bytes([0x10]) * 32))), "digest")
        self.assertEqual(self.reason(self.answer, REGISTRY), "digest")
        self.assertEqual(self.reason(self.on_chain, self.agreed()), "digest")
        # Signed for the contract, and named as if for the programme.
        forged = self.answer | {"signatures": self.on_chain["signatures"]}
        self.assertEqual(self.reason(forged, self.agreed()), "signatures")

    def test_it_is_signed_by_whom_was_agreed_on_and_in_time(self) -> None:
        self.assertEqual(self.reason(self.answer, self.agreed()), "owed")
        stranger = Account.from_key((7).to_bytes(32)).address
        issued_at = self.claim["issuedAt"]
        for wanted, change in [
            ("signatures", {"signers": [stranger]}),
            ("epoch", {"revoked": True}),
            ("epoch", {"active_from": issued_at + 1}),
            ("epoch", {"sign_until": issued_at - 1}),
            ("epoch", {"accept_until": issued_at - 1}),
            ("expired", {"after": self.claim["validUntil"]}),
            ("too-early", {"after": -1}),
        ]:
            with self.subTest(wanted, **change):
                self.assertEqual(self.reason(self.answer, self.agreed(**change)), wanted)
        unknown = Agreed(PROGRAMME, {}, lambda: max(issued_at, self.claim["validAfter"]))
        self.assertEqual(self.reason(self.answer, unknown), "epoch")
