"""What the verifier contract knows: who may sign, and what became of each claim.

It is the only place that is believed about either; the node that serves attestations is not.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError

from .statement import Answer, Domain

ABI_FILE = Path(__file__).resolve().parents[4] / "contracts-abi" / "abi" / "TocsinVerifier.json"
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Moment:
    """A block, at which everything about one attestation is read."""

    number: int
    time: int


@dataclass(frozen=True)
class Epoch:
    active_from: int
    sign_until: int
    accept_until: int
    threshold: int
    signers: list[str]
    contract_signers: int
    revoked: bool


@dataclass(frozen=True)
class Standing:
    consumed: bool
    held: bool
    min_revision: int


class Registry:
    def __init__(self, rpc: str, domain: Domain) -> None:
        self.domain = domain
        self._web3 = Web3(HTTPProvider(rpc, request_kwargs={"timeout": TIMEOUT_SECONDS}))
        self._contract = self._web3.eth.contract(
            address=Web3.to_checksum_address(domain.verifier),
            abi=json.loads(ABI_FILE.read_text())["abi"],
        )
        self._unknown_epoch = Web3.keccak(text="UnknownEpoch(uint32)")[:4].hex()

    def check_chain(self) -> None:
        """Refuses to work on another chain than the one that was agreed."""
        found = self._web3.eth.chain_id
        if found != self.domain.chain_id:
            raise RuntimeError(f"the endpoint serves chain {found}")

    def now(self) -> Moment:
        """The newest block. A revocation counts as soon as it is in a block at all: it errs on the side of not paying."""
        block = self._web3.eth.get_block("latest")
        return Moment(block["number"], block["timestamp"])

    def epoch(self, number: int, at: Moment) -> Epoch | None:
        """Who may sign in an epoch; `None` where there is no such epoch."""
        try:
            return Epoch(*self._ask("epoch", [number], at))
        except ContractLogicError as error:
            if self._unknown_epoch in str(error.data):
                return None
            raise

    def standing(self, claim_key: bytes, at: Moment) -> Standing:
        consumed, held, min_revision, *_ = self._ask("claimStatus", [claim_key], at)
        return Standing(consumed, held, min_revision)

    def verifies(self, answer: Answer, at: Moment) -> bool:
        """Asks the contract itself. Needed where contracts are among the signers; a second opinion otherwise."""
        claim = {**answer.claim, "consumer": Web3.to_checksum_address(answer.claim["consumer"])}
        batch = answer.batch
        try:
            if batch is None:
                self._ask("verify", [claim, answer.signatures], at)
            else:
                self._ask("verifyBatched", [claim, batch.signed, batch.proof, answer.signatures], at)
        except ContractLogicError:
            # A revert is an answer; that the endpoint did not answer is none.
            return False
        return True

    def _ask(self, function: str, arguments: list[Any], at: Moment) -> Any:
        call = self._contract.get_function_by_name(function)(*arguments)
        return call.call(block_identifier=at.number)
