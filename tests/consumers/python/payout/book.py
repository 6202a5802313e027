"""The payout service's own memory: a database file, which outlives the process and the power."""

import sqlite3
from pathlib import Path

from .verify import Owed

TABLE = """
CREATE TABLE IF NOT EXISTS claims (
    claim_key   BLOB PRIMARY KEY CHECK (length(claim_key) = 32),
    attestation BLOB NOT NULL CHECK (length(attestation) = 32),
    holder      TEXT NOT NULL,
    amount      TEXT NOT NULL,
    paid        INTEGER NOT NULL DEFAULT 0 CHECK (paid IN (0, 1))
) STRICT
"""


class Book:
    def __init__(self, path: Path) -> None:
        # Every statement is a transaction of its own.
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(TABLE)

    def enter(self, owed: Owed) -> bool:
        """Writes down that a claim is owed. Of several processes the first decides; false where the claim is known."""
        written = self._database.execute(
            "INSERT INTO claims (claim_key, attestation, holder, amount) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (claim_key) DO NOTHING",
            (owed.claim_key, owed.attestation, owed.holder, str(owed.amount)),
        )
        return written.rowcount == 1

    def settle(self, owed: Owed) -> None:
        """Writes down that it is paid."""
        self._database.execute("UPDATE claims SET paid = 1 WHERE claim_key = ?", (owed.claim_key,))

    def open(self) -> list[Owed]:
        """Everything that is owed and not known to be paid: what to go on with after a restart."""
        rows = self._database.execute(
            "SELECT claim_key, attestation, holder, amount FROM claims WHERE paid = 0 ORDER BY rowid"
        )
        return [Owed(key, attestation, holder, int(amount)) for key, attestation, holder, amount in rows]

    def close(self) -> None:
        self._database.close()
