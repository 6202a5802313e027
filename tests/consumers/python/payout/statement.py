"""What the attestors sign, and the identities that follow from it."""

from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak, to_bytes

from .refusal import Refusal
from .schema import check

# The EIP-712 types. The order of the fields is part of what is signed.
CLAIM = {
    "policyId": "bytes32",
    "termsHash": "bytes32",
    "eventId": "bytes32",
    "consumer": "address",
    "verdict": "uint8",
    "payoutFraction": "uint64",
    "measuredValue": "int256",
    "occurredAt": "uint64",
    "confirmedAt": "uint64",
    "windowStart": "uint64",
    "windowEnd": "uint64",
    "sourceChainId": "uint64",
    "sourceBlock": "uint64",
    "sourceBlockHash": "bytes32",
    "evidenceRoot": "bytes32",
    "evidenceCount": "uint32",
    "issuedAt": "uint64",
    "validAfter": "uint64",
    "validUntil": "uint64",
    "signerEpoch": "uint32",
    "revision": "uint32",
    "supersedes": "bytes32",
}
BATCH = {"root": "bytes32", "count": "uint32", "issuedAt": "uint64", "signerEpoch": "uint32"}

NOTHING = bytes(32)


@dataclass(frozen=True)
class Domain:
    """For which verifier a statement is meant."""

    chain_id: int
    verifier: str

    def eip712(self) -> dict[str, Any]:
        return {
            "name": "Tocsin",
            "version": "1",
            "chainId": self.chain_id,
            "verifyingContract": self.verifier,
        }


@dataclass(frozen=True)
class Programme:
    """For which programme a statement is meant that no contract settles. No contract takes it, and no other programme."""

    id: bytes

    def eip712(self) -> dict[str, Any]:
        return {"name": "Tocsin Off-chain", "version": "1", "salt": self.id}


@dataclass(frozen=True)
class Batch:
    id: bytes
    signed: dict[str, Any]
    proof: list[bytes]


@dataclass(frozen=True)
class Answer:
    """What the API answers, once its form is checked. The claim has the names of the signed type."""

    id: bytes
    claim_key: bytes
    claim: dict[str, Any]
    signatures: bytes
    batch: Batch | None


def read(answer: Any) -> Answer:
    """Reads an answer of `GET /v1/attestations/{id}`."""
    check("attestation", answer)
    batch = answer["batch"]
    return Answer(
        id=to_bytes(hexstr=answer["id"]),
        claim_key=to_bytes(hexstr=answer["claim_key"]),
        claim=_fields(CLAIM, answer["attestation"]),
        signatures=to_bytes(hexstr=answer["signatures"]),
        batch=None
        if batch is None
        else Batch(
            id=to_bytes(hexstr=batch["id"]),
            signed=_fields(BATCH, batch["signed"]),
            proof=[to_bytes(hexstr=node) for node in batch["proof"]],
        ),
    )


def _fields(types: dict[str, str], written: dict[str, str]) -> dict[str, Any]:
    return {name: _value(name, kind, written[name]) for name, kind in types.items()}


def _value(name: str, kind: str, text: str) -> Any:
    """Integers beyond their range, which no pattern of a schema can tell, are refused."""
    if kind == "bytes32":
        return to_bytes(hexstr=text)
    if kind == "address":
        return text
    bits = int(kind.lstrip("uint"))
    least, limit = (0, 1 << bits) if kind.startswith("u") else (-(1 << bits - 1), 1 << bits - 1)
    value = int(text)
    if not least <= value < limit:
        raise Refusal("schema", f"{name} is no {kind}")
    return value


def signable_claim(claim: dict[str, Any], domain: Domain | Programme) -> SignableMessage:
    return _signable("ClaimAttestation", CLAIM, claim, domain)


def signable_batch(batch: dict[str, Any], domain: Domain | Programme) -> SignableMessage:
    return _signable("AttestationBatch", BATCH, batch, domain)


def _signable(
    name: str, types: dict[str, str], message: dict[str, Any], domain: Domain | Programme
) -> SignableMessage:
    members = [{"name": field, "type": kind} for field, kind in types.items()]
    return encode_typed_data(domain.eip712(), {name: members}, message)


def digest(message: SignableMessage) -> bytes:
    """The EIP-712 digest, which is the id of an attestation and of a batch."""
    return keccak(b"\x19" + message.version + message.header + message.body)


def claim_key(claim: dict[str, Any]) -> bytes:
    """The only key by which a claim is paid once: no time, epoch, revision or signature is in it."""
    names = ["consumer", "policyId", "termsHash", "eventId"]
    return keccak(encode([CLAIM[name] for name in names], [claim[name] for name in names]))
