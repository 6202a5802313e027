"""The payout service: asks a node for attestations, verifies each, and pays each claim once.

fetch -> verify -> write down that it is owed -> pay, with the claim key as idempotency key -> write down that it is paid

It can die between any two of these: what is owed and not known to be paid is paid again with the same key, and the bank
pays a key once.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin

import requests

from .agreed import Agreed
from .book import Book
from .refusal import Refusal
from .registry import Registry
from .verify import Owed, Terms, verify

TIMEOUT_SECONDS = 10


class Bank(Protocol):
    """Whoever moves the money. A payment with a key that was used before is no second payment."""

    def pay(self, idempotency_key: bytes, holder: str, amount: int) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What came of one attestation: paid, refused, or neither, because its claim was known already."""

    id: str
    paid: Owed | None = None
    refused: Refusal | None = None


class PayoutService:
    def __init__(self, api: str, terms: Terms, registry: Registry | Agreed, book: Book, bank: Bank) -> None:
        self._api = api
        self._terms = terms
        self._registry = registry
        self._book = book
        self._bank = bank

    def run(self) -> list[Outcome]:
        """Goes on with what an earlier process left, then looks at everything that the node lists."""
        self._registry.check_chain()
        for owed in self._book.open():
            self._pay(owed)
        listed = self._fetch("v1/attestations")["attestations"]
        return [self.consider(attestation["id"]) for attestation in listed]

    def consider(self, attestation: str) -> Outcome:
        """Fetches one attestation, and pays it if it has to be paid. A refusal is an outcome; other trouble is raised."""
        try:
            owed = verify(
                self._fetch(f"v1/attestations/{attestation}"), self._terms, self._registry
            )
        except Refusal as refusal:
            return Outcome(attestation, refused=refusal)
        # Also a claim that was attested twice, alone and in a batch, or again under another epoch.
        if not self._book.enter(owed):
            return Outcome(attestation)
        self._pay(owed)
        return Outcome(attestation, paid=owed)

    def _pay(self, owed: Owed) -> None:
        self._bank.pay(owed.claim_key, owed.holder, owed.amount)
        self._book.settle(owed)

    def _fetch(self, path: str) -> Any:
        answer = requests.get(
            urljoin(self._api, path), timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: HTTP status {answer.status_code}")
        return answer.json()
