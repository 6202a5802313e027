"""Why an attestation is not paid."""

from typing import Literal

Reason = Literal[
    "schema",
    "digest",
    "claim-key",
    "consumer",
    "policy",
    "verdict",
    "window",
    "too-early",
    "expired",
    "epoch",
    "signatures",
    "batch",
    "revoked",
    "held",
    "consumed",
]


class Refusal(Exception):
    """The attestation must not be paid. Not to be mixed up with an error of reading, after which one tries again."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
