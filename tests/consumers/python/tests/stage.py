"""The running node and chain that the tests are tried on."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from eth_utils import to_bytes

from payout.registry import Moment, Registry
from payout.statement import Domain
from payout.verify import Policy, Terms

if "TOCSIN_STAGE" not in os.environ:
    raise RuntimeError("TOCSIN_STAGE names no file: run `cargo xtask consumers`")
STAGE = json.loads(Path(os.environ["TOCSIN_STAGE"]).read_text())

DOMAIN = Domain(STAGE["chain_id"], STAGE["verifier"])
_SOLD = {
    to_bytes(hexstr=sold["policy"]): Policy(
        to_bytes(hexstr=sold["terms_hash"]), sold["holder"], int(sold["sum_insured"])
    )
    for sold in STAGE["policies"]
}
TERMS = Terms(DOMAIN, STAGE["consumer"], _SOLD.get)
REGISTRY = Registry(STAGE["rpc"], DOMAIN)


class ShiftedRegistry(Registry):
    """The same chain, seen at another time."""

    def __init__(self, seconds: int) -> None:
        super().__init__(STAGE["rpc"], DOMAIN)
        self._seconds = seconds

    def now(self) -> Moment:
        moment = super().now()
        return Moment(moment.number, moment.time + self._seconds)


def book_path() -> Path:
    return Path(tempfile.mkdtemp(prefix="tocsin-payout-")) / "book.db"


class FileBank:
    """A bank that keeps its word about idempotency keys, in a file, and can break off after it has paid."""

    def __init__(self) -> None:
        self._path = Path(tempfile.mkdtemp(prefix="tocsin-bank-")) / "payments"
        self._path.touch()
        self.breaks_off = False

    def pay(self, idempotency_key: bytes, holder: str, amount: int) -> None:
        key = f"0x{idempotency_key.hex()}"
        if all(payment["key"] != key for payment in self.payments()):
            with self._path.open("a") as file:
                file.write(json.dumps({"key": key, "holder": holder, "amount": amount}) + "\n")
        if self.breaks_off:
            raise ConnectionError("the line to the bank is dead")

    def payments(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()]


def get(path: str) -> Any:
    answer = requests.get(urljoin(STAGE["api"], path), timeout=10)
    answer.raise_for_status()
    return answer.json()


def answers() -> list[Any]:
    """Answers as the node gives them."""
    return [get(f"v1/attestations/{attestation}") for attestation in STAGE["attestations"]]


def owed() -> list[Any]:
    """Those that nobody has stopped."""
    stopped = (STAGE["revoked"], STAGE["held"])
    return [answer for answer in answers() if answer["policy"] not in stopped]


def samples() -> tuple[Any, Any]:
    """One that was signed alone, and one of a batch."""
    found = owed()
    single = next(answer for answer in found if answer["batch"] is None)
    batched = next(answer for answer in found if answer["batch"] is not None)
    return single, batched
