"""Each claim is paid once, whatever is asked twice and wherever the service dies."""

import unittest

import requests

from payout.book import Book
from payout.service import PayoutService

from .stage import REGISTRY, STAGE, TERMS, FileBank, book_path, owed


def service(book: Book, bank: FileBank, api: str = STAGE["api"]) -> PayoutService:
    return PayoutService(api, TERMS, REGISTRY, book, bank)


class PayoutTest(unittest.TestCase):
    def book(self, path=None) -> Book:
        book = Book(path or book_path())
        self.addCleanup(book.close)
        return book

    def test_every_genuine_claim_is_paid_once_and_what_was_stopped_is_not(self) -> None:
        book, bank = self.book(), FileBank()
        outcomes = service(book, bank).run()
        refused = sorted(outcome.refused.reason for outcome in outcomes if outcome.refused)
        self.assertEqual(refused, ["held", "revoked"])
        expected = sorted(answer["claim_key"] for answer in owed())
        self.assertEqual(sorted(payment["key"] for payment in bank.payments()), expected)
        self.assertEqual({payment["amount"] for payment in bank.payments()}, {1_000_000})

        again = service(book, bank).run()
        self.assertFalse(any(outcome.paid for outcome in again))
        self.assertEqual(len(bank.payments()), len(expected))

    def test_a_service_that_dies_after_the_bank_has_paid_pays_nothing_twice(self) -> None:
        path, bank = book_path(), FileBank()
        bank.breaks_off = True
        with self.assertRaises(ConnectionError):
            service(self.book(path), bank).run()
        self.assertEqual(len(bank.payments()), 1)
        self.assertEqual(len(self.book(path).open()), 1)

        bank.breaks_off = False
        service(self.book(path), bank).run()
        self.assertEqual(self.book(path).open(), [])
        self.assertEqual(len(bank.payments()), len(owed()))

    def test_a_node_that_does_not_answer_is_a_trouble_and_no_refusal(self) -> None:
        with self.assertRaises(requests.ConnectionError):
            service(self.book(), FileBank(), "http://127.0.0.1:9/").run()
