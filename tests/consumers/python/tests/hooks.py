"""Tells schemathesis how to write the bodies that are no JSON, and gives what it sends a chance to be taken. Loaded by it
(`SCHEMATHESIS_HOOKS`)."""

import itertools
import re

import schemathesis

from .stage import STAGE

NUMBERS = itertools.count(1_000)
NAME = re.search(r'(?m)^name\s*=\s*"([^"]+)"', STAGE["cover"]).group(1)
# Of nobody: what a payout service has sold stays as it is.
CONSUMER = f"eip155:{STAGE['chain_id']}:0x00000000000000000000000000000000000000d1"


@schemathesis.serializer("application/toml", "application/x-ndjson")
def text(ctx, value):
    """Both are described as text."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


def known(policy):
    """A policy that is written as one, on the cover that the node has."""
    here = {
        "number": str(next(NUMBERS)),
        "cover": NAME,
        "terms_hash": STAGE["policies"][0]["terms_hash"],
        "consumer": CONSUMER,
    }
    is_one = isinstance(policy, dict) and all(isinstance(policy.get(name), str) for name in here)
    return policy | here if is_one else policy


@schemathesis.hook
def before_call(context, case, **kwargs):
    """The description cannot know which covers and sources a node has: its examples are sent for those of this one."""
    where = case.operation.path
    # What is generated is short, and the same for several writes: the second one would be refused for that alone.
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(r"[!-~]{1,255}", key):
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)}-{key}"[:255]
    if where == "/v1/policies" and case.method == "POST" and isinstance(case.body, (dict, list)):
        many = isinstance(case.body, list)
        case.body = [known(policy) for policy in case.body] if many else known(case.body)
    example = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    example = example.get("application/toml", {}).get("example")
    if example is not None and case.body == example:
        version = next(NUMBERS)
        case.body = re.sub(r"(?m)^version\s*=\s*\d+", f"version = {version}", STAGE["cover"])
