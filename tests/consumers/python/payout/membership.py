"""Whether a batch that was signed vouches for an attestation."""

from eth_utils import keccak

from .refusal import Refusal
from .statement import Answer, Domain, Programme, digest, signable_batch


def check_membership(answer: Answer, domain: Domain | Programme) -> None:
    """Refuses a batch that is not the attestation's. Its signatures are checked elsewhere."""
    batch = answer.batch
    if batch is None:
        return
    if digest(signable_batch(batch.signed, domain)) != batch.id:
        raise Refusal("batch", "its id is not its digest")
    if batch.signed["signerEpoch"] != answer.claim["signerEpoch"]:
        raise Refusal("batch", "it is of another epoch")
    if batch.signed["issuedAt"] < answer.claim["issuedAt"]:
        raise Refusal("batch", "it is older than what it vouches for")
    count = batch.signed["count"]
    if count < 1:
        raise Refusal("batch", "it is of nothing")
    # A tree of so many leaves has two depths at most; any other length is the proof of an inner node.
    depths = {count.bit_length() - 1, (count - 1).bit_length()}
    if len(batch.proof) not in depths:
        raise Refusal("batch", "its proof has a wrong length")
    if _root(answer.id, batch.proof) != batch.signed["root"]:
        raise Refusal("batch", "its proof does not lead to its root")


def _root(attestation_id: bytes, proof: list[bytes]) -> bytes:
    """Of an OpenZeppelin StandardMerkleTree with leaves of type bytes32: hashed twice, pairs in ascending order."""
    node = keccak(keccak(attestation_id))
    for sibling in proof:
        node = keccak(b"".join(sorted((node, sibling))))
    return node
