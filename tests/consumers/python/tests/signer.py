"""Signs requests with the library http-message-signatures, with the keys of the stage."""

import base64
import datetime
import hashlib
import secrets

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, algorithms

from .stage import STAGE

SIGNED = STAGE["signed"]
ALWAYS = ("@method", "@authority", "@path", "@query")


class Keys:
    """Finds a key by its id."""

    def __init__(self, keys):
        self.keys = keys

    def resolve_private_key(self, key_id):
        return self.keys[key_id]

    resolve_public_key = resolve_private_key


SECRET = SIGNED["hmac_secret"].encode()
PAIR = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SIGNED["ed25519_seed"]))
KEYS = Keys({SIGNED["hmac_key"]: SECRET, SIGNED["ed25519_key"]: PAIR})
HOLDERS = (
    (SIGNED["hmac_key"], algorithms.HMAC_SHA256),
    (SIGNED["ed25519_key"], algorithms.ED25519),
)


def sign_prepared(request, key, algorithm, keys=KEYS):
    """Adds to a request that is ready to be sent what the profile wants, and signs it."""
    covered = list(ALWAYS)
    body = request.body.encode() if isinstance(request.body, str) else request.body
    if body:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        request.headers.setdefault("Content-Type", "application/octet-stream")
        request.headers["Content-Digest"] = f"sha-256=:{digest}:"
        covered += ["content-type", "content-digest"]
    if request.method != "GET":
        request.headers.setdefault("Idempotency-Key", secrets.token_hex(16))
        covered.append("idempotency-key")
    now = datetime.datetime.now(datetime.timezone.utc)
    signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=keys)
    signer.sign(
        request,
        key_id=key,
        created=now,
        expires=now + datetime.timedelta(seconds=60),
        nonce=secrets.token_urlsafe(16),
        tag="tocsin-api-v1",
        covered_component_ids=covered,
        body=body,
        use_existing_digest=bool(body),
    )
    return request


def sign(key, algorithm, method, path, body=None, keys=KEYS):
    """A request to the API whose callers sign, with a JSON body or none."""
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = requests.Request(method, SIGNED["api"] + path, headers=headers, data=body)
    return sign_prepared(request.prepare(), key, algorithm, keys)
