"""Signs what schemathesis sends. Loaded by it in the place of `hooks`, which it loads."""

import requests
import schemathesis
from http_message_signatures import HTTPMessageSignaturesException

from . import hooks as hooks
from .signer import HOLDERS, sign_prepared


class Signature(requests.auth.AuthBase):
    """Signs with the key that may do most. What the library cannot sign is sent as it is, and has to be refused."""

    def __call__(self, request):
        key, algorithm = HOLDERS[1]
        try:
            return sign_prepared(request, key, algorithm)
        except (HTTPMessageSignaturesException, ValueError, UnicodeError):
            return request


schemathesis.auth.set_from_requests(Signature())
