"""The library http-message-signatures signs, and the service takes it, once."""

import json
import secrets
import unittest

import requests

from .signer import HOLDERS, Keys, sign


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
