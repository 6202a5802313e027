"""Tells schemathesis how to write the bodies that are no JSON. Loaded by it (`SCHEMATHESIS_HOOKS`)."""

import schemathesis


@schemathesis.serializer("application/toml", "application/x-ndjson")
def text(ctx, value):
    """Both are described as text."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
