"""schemathesis asks whatever the served OpenAPI file allows, and much that it does not: every answer is one that the file has,
in the form that it has, and none is a failure of the service."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urljoin

from .stage import STAGE, get

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
# A stream has no end; readiness answers 503 on purpose.
LEFT_OUT = ("/v1/events", "/health/ready")
# The same requests each time.
SEED = "7"
FOLDER = Path(__file__).parent.parent


# Of each operation, besides what each of its parameters and members may and may not be.
EXAMPLES = "3"


def ask(api: str, hooks: str) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).parent / "schemathesis"), "run"]
    command += [urljoin(api, "/v1/openapi.json"), "--checks", ",".join(CHECKS)]
    command += ["--max-examples", EXAMPLES, "--seed", SEED, "--phases", "examples,coverage,fuzzing"]
    command += ["--request-timeout", "10", "--suppress-health-check", "all"]
    command += ["--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off"]
    for path in LEFT_OUT:
        command += ["--exclude-path", path]
    with tempfile.TemporaryDirectory(prefix="tocsin-described-") as folder:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(FOLDER), "SCHEMATHESIS_HOOKS": hooks},
            capture_output=True,
            text=True,
            timeout=300,
        )


class Described(unittest.TestCase):
    def holds(self, api: str, hooks: str) -> None:
        asked = ask(api, hooks)
        self.assertEqual(asked.returncode, 0, asked.stdout[-20_000:] + asked.stderr[-2_000:])

    def test_what_a_stranger_may_ask(self):
        """Here a stranger may write as well, and what is sent as the description has it is taken."""
        self.holds(STAGE["api"], "tests.hooks")
        self.assertGreater(len(get("v1/covers")["covers"]), 1, "no cover was taken")
        policies = get("v1/policies?limit=500")["policies"]
        self.assertGreater(len(policies), len(STAGE["policies"]), "no policy was taken")

    def test_what_a_client_may_ask(self):
        self.holds(STAGE["signed"]["api"], "tests.signing_hooks")


if __name__ == "__main__":
    unittest.main()
