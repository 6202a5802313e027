"""The packed signatures of a quorum: exactly as many as the threshold, of different signers, in one encoding only."""

from collections.abc import Sequence

from eth_account import Account
from eth_account.messages import SignableMessage

from .refusal import Refusal

# The order of secp256k1, halved: of the two values of s that verify, only the lower one is a signature.
GREATEST_LOW_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
BITMAP_BYTES = 32
SIGNATURE_BYTES = 65
IS_MIXED = 1 << 255


def has_contracts(packed: bytes) -> bool:
    """Whether contracts are among those who signed. What they say, only their chain knows."""
    return int.from_bytes(packed[:BITMAP_BYTES]) >= IS_MIXED


def check_quorum(
    packed: bytes, message: SignableMessage, threshold: int, signers: Sequence[str]
) -> None:
    """Refuses anything but the signatures of `threshold` of the signers over `message`."""
    bitmap = int.from_bytes(packed[:BITMAP_BYTES])
    if bitmap >> len(signers):
        raise Refusal("signatures", "a signer that does not exist")
    indices = [index for index in range(len(signers)) if bitmap >> index & 1]
    if threshold < 1 or len(indices) != threshold:
        raise Refusal("signatures", f"{len(indices)} signers, not {threshold}")
    if len(packed) != BITMAP_BYTES + threshold * SIGNATURE_BYTES:
        raise Refusal("signatures", "bytes are missing or left over")
    for place, index in enumerate(indices):
        start = BITMAP_BYTES + place * SIGNATURE_BYTES
        _check_one(packed[start : start + SIGNATURE_BYTES], message, index, signers[index])


def _check_one(signature: bytes, message: SignableMessage, index: int, signer: str) -> None:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    v = signature[64]
    if v not in (27, 28):
        raise Refusal("signatures", f"v is {v}")
    if s > GREATEST_LOW_S:
        raise Refusal("signatures", "s is high")
    try:
        recovered = Account.recover_message(message, vrs=(v, r, s))
    except Exception as error:  # The library has no one error for what is no point of the curve.
        raise Refusal("signatures", f"signature {index} is none: {error}") from error
    if recovered.lower() != signer.lower():
        raise Refusal("signatures", f"signature {index} is by {recovered}, not {signer}")
