"""Everything that has to be so before money moves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .agreed import Agreed
from .membership import check_membership
from .quorum import check_quorum, has_contracts
from .refusal import Refusal
from .registry import Moment, Registry
from .statement import (
    NOTHING,
    Answer,
    Domain,
    Programme,
    claim_key,
    digest,
    read,
    signable_batch,
    signable_claim,
)

TRIGGERED = 1
ONE = 10**18


@dataclass(frozen=True)
class Policy:
    """A policy that this service has sold, from its own books."""

    terms_hash: bytes
    holder: str
    sum_insured: int


@dataclass(frozen=True)
class Terms:
    """What this service agreed with its customers and the attestors. Nothing of it comes from an attestation."""

    domain: Domain | Programme
    consumer: str
    policy: Callable[[bytes], Policy | None]


@dataclass(frozen=True)
class Owed:
    """A claim that is owed."""

    claim_key: bytes
    attestation: bytes
    holder: str
    amount: int


def verify(raw: Any, terms: Terms, registry: Registry | Agreed) -> Owed:
    """Verifies an answer of the API, and says what is owed by it.

    Raises a `Refusal`, or any other error where it cannot tell.
    """
    answer = read(raw)
    _check_identity(answer, terms.domain)
    policy = _check_policy(answer.claim, terms)
    now = registry.now()
    _check_statement(answer.claim, now)
    check_membership(answer, terms.domain)
    _check_signers(answer, registry, now)
    _check_standing(answer, registry, now)
    amount = policy.sum_insured * answer.claim["payoutFraction"] // ONE
    return Owed(answer.claim_key, answer.id, policy.holder, amount)


def _check_identity(answer: Answer, domain: Domain | Programme) -> None:
    """The ids are computed, never believed."""
    if digest(signable_claim(answer.claim, domain)) != answer.id:
        raise Refusal("digest", "its id is not its digest")
    if claim_key(answer.claim) != answer.claim_key:
        raise Refusal("claim-key", "its claim key is another claim's")


def _check_policy(claim: dict[str, Any], terms: Terms) -> Policy:
    if claim["consumer"].lower() != terms.consumer.lower():
        raise Refusal("consumer", f"it is for {claim['consumer']}")
    policy = terms.policy(claim["policyId"])
    if policy is None:
        raise Refusal("policy", f"0x{claim['policyId'].hex()} was not sold here")
    if policy.terms_hash != claim["termsHash"]:
        raise Refusal("policy", "it was sold on other terms")
    return policy


def _check_statement(claim: dict[str, Any], now: Moment) -> None:
    if claim["verdict"] != TRIGGERED:
        raise Refusal("verdict", f"its verdict is {claim['verdict']}")
    if claim["eventId"] == NOTHING:
        raise Refusal("verdict", "it names no loss event")
    if claim["payoutFraction"] > ONE:
        raise Refusal("verdict", "it pays more than all")
    if (claim["revision"] == 0) != (claim["supersedes"] == NOTHING):
        raise Refusal("verdict", "it corrects nothing")
    if not claim["windowStart"] <= claim["occurredAt"] < claim["windowEnd"]:
        raise Refusal("window", "the loss is outside the cover")
    if not claim["occurredAt"] <= claim["confirmedAt"] <= claim["issuedAt"]:
        raise Refusal("window", "its times are out of order")
    if now.time < max(claim["issuedAt"], claim["validAfter"]):
        raise Refusal("too-early", f"until {claim['validAfter']}")
    if now.time > claim["validUntil"]:
        raise Refusal("expired", f"since {claim['validUntil']}")


def _check_signers(answer: Answer, registry: Registry | Agreed, now: Moment) -> None:
    """A quorum of the epoch, which could sign when it did and is still accepted."""
    epoch = registry.epoch(answer.claim["signerEpoch"], now)
    if epoch is None:
        raise Refusal("epoch", f"there is no epoch {answer.claim['signerEpoch']}")
    if epoch.revoked:
        raise Refusal("epoch", "it is revoked")
    if now.time > epoch.accept_until:
        raise Refusal("epoch", "it is no longer accepted")
    batch = answer.batch
    for issued_at in {answer.claim["issuedAt"]} | ({batch.signed["issuedAt"]} if batch else set()):
        if not epoch.active_from <= issued_at <= min(epoch.sign_until, now.time):
            raise Refusal("epoch", f"it could not sign at {issued_at}")
    if has_contracts(answer.signatures):
        if not registry.verifies(answer, now):
            raise Refusal("signatures", "the verifier refuses them")
        return
    if batch is None:
        message = signable_claim(answer.claim, registry.domain)
    else:
        message = signable_batch(batch.signed, registry.domain)
    check_quorum(answer.signatures, message, epoch.threshold, epoch.signers)


def _check_standing(answer: Answer, registry: Registry | Agreed, now: Moment) -> None:
    standing = registry.standing(answer.claim_key, now)
    if standing.consumed:
        raise Refusal("consumed", "a contract has paid it")
    if standing.held:
        raise Refusal("held", "the guardian has stopped it")
    if answer.claim["revision"] < standing.min_revision:
        raise Refusal("revoked", f"below revision {standing.min_revision}")
