"""The library http-message-signatures signs, and the service takes it, once."""

import base64
import datetime
import hashlib
import json
import secrets
import unittest

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


def sign(key, algorithm, method, path, body=None, keys=KEYS):
    headers, covered = {}, list(ALWAYS)
    if body is not None:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers["Content-Type"] = "application/json"
        headers["Content-Digest"] = f"sha-256=:{digest}:"
        covered += ["content-type", "content-digest"]
    if method != "GET":
        headers["Idempotency-Key"] = secrets.token_hex(16)
        covered.append("idempotency-key")
    request = requests.Request(method, SIGNED["api"] + path, headers=headers, data=body).prepare()
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
        use_existing_digest=body is not None,
    )
    return request


class Signing(unittest.TestCase):
    def send(self, request):
        with requests.Session() as session:
            return session.send(request, timeout=20)

    def test_signed_requests_are_answered_once(self):
        for key, algorithm in HOLDERS:
            for method, path, body in (
                ("GET", "/v1/caller", None),
                ("GET", "/v1/caller?a=b%20c", None),
                ("POST", "/v1/caller", json.dumps({"number": 7}).encode()),
                ("POST", "/v1/caller", None),
            ):
                with self.subTest(key=key, method=method, path=path):
                    request = sign(key, algorithm, method, path, body)
                    answer = self.send(request)
                    self.assertEqual(answer.status_code, 200, answer.text)
                    self.assertEqual(answer.json()["key"], key)
                    self.assertEqual(self.send(request).status_code, 401)

    def test_another_keys_signature_is_refused(self):
        key, algorithm = HOLDERS[0]
        wrong = Keys({key: secrets.token_bytes(32)})
        answer = self.send(sign(key, algorithm, "GET", "/v1/caller", keys=wrong))
        self.assertEqual(answer.status_code, 401)
        self.assertEqual(answer.json()["type"], "/problems/unauthenticated")
