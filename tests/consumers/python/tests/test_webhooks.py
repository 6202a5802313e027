"""The library standardwebhooks receives what a running service sends, through a rotation of the secret."""

import http.server
import json
import threading
import time
import unittest

import requests
from standardwebhooks import Webhook, WebhookVerificationError

from .test_signing import HOLDERS, sign


def call(method, path, body=None):
    key, algorithm = HOLDERS[0]
    sent = None if body is None else json.dumps(body).encode()
    with requests.Session() as session:
        answer = session.send(sign(key, algorithm, method, path, sent), timeout=20)
    answer.raise_for_status()
    return answer.json() if answer.content else None


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format, *arguments):
        pass


class Webhooks(unittest.TestCase):
    def until(self, so):
        for _ in range(400):
            if so():
                return
            time.sleep(0.05)
        self.fail("it did not come to be")

    def test_messages_verify_before_during_and_after_a_rotation(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen = Receiver.seen
        url = f"http://127.0.0.1:{server.server_port}/hook"
        first = call("POST", "/v1/webhooks", {"url": url, "filter": {"kinds": ["warning.raised"]}})
        path = f"/v1/webhooks/{first['id']}"
        try:
            self.assertTrue(call("POST", path + "/test", {})["taken"])
            self.until(lambda: len(seen) >= 3)
            second = call("POST", path + "/secrets", {"overlap_seconds": 600})
            rotated = len(seen)
            self.until(lambda: len(seen) >= rotated + 15)
            told = [Webhook(first["secret"]).verify(body, headers) for headers, body in seen]
            seqs = [message["seq"] for message in told if "seq" in message]
            self.assertEqual(seqs, sorted(seqs))
            self.assertEqual(len({headers["webhook-id"] for headers, _ in seen}), len(seen))
            headers, body = seen[-1]
            Webhook(second["secret"]).verify(body, headers)
            with self.assertRaises(WebhookVerificationError):
                Webhook(second["secret"]).verify(body + b" ", headers)
        finally:
            call("DELETE", path)
            server.shutdown()
            server.server_close()
