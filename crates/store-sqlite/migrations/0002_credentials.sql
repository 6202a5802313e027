-- Who calls.
CREATE TABLE clients (
    name       TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys of clients, and secrets of webhooks, whose owner is the endpoint's id. Secrets are sealed: what is here is of no use
-- without the master key.
CREATE TABLE credentials (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
    owner_kind TEXT    NOT NULL CHECK (owner_kind IN ('client', 'webhook')),
    owner      TEXT    NOT NULL CHECK (owner <> ''),
    -- Of ed25519; where the service signs with it, the private half is the secret.
    public_key BLOB    CHECK (length(public_key) = 32),
    -- Of a secret: which master key, the secret's own key under that, and the secret under its own key.
    master     BLOB    CHECK (length(master) = 8),
    wrapped    BLOB,
    sealed     BLOB,
    scopes     TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired', 'revoked')),
    since      INTEGER CHECK ((since IS NULL) = (state = 'pending')),
    until      INTEGER CHECK ((until IS NULL) = (state <> 'retiring')),
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- The service holds what it signs with, and of clients what verifies.
    CHECK (iif(owner_kind = 'webhook', master IS NOT NULL, (public_key IS NULL) <> (master IS NULL))),
    CHECK ((master IS NULL) = (wrapped IS NULL) AND (master IS NULL) = (sealed IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_by_owner ON credentials (owner_kind, owner, created_at);
-- A public key is one person's, and once only: two clients who had the same could approve for each other, and one that was
-- revoked must not come again under another name.
CREATE UNIQUE INDEX credentials_by_public_key ON credentials (public_key) WHERE owner_kind = 'client' AND public_key IS NOT NULL;

-- What each key was used for.
CREATE TABLE credential_uses (
    credential TEXT    NOT NULL PRIMARY KEY REFERENCES credentials (id),
    answered   INTEGER NOT NULL CHECK (answered >= 1),
    last_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was refused, by key; no name stands for: no key that is known.
CREATE TABLE credential_failures (
    credential TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    count      INTEGER NOT NULL CHECK (count >= 1),
    last_at    INTEGER NOT NULL,
    PRIMARY KEY (credential, kind)
) STRICT, WITHOUT ROWID;

-- From where each key was used.
CREATE TABLE credential_networks (
    credential TEXT    NOT NULL REFERENCES credentials (id),
    network    TEXT    NOT NULL CHECK (network <> ''),
    first_at   INTEGER NOT NULL,
    PRIMARY KEY (credential, network)
) STRICT, WITHOUT ROWID;

-- Nonces (their hashes, one after the other) that must not come again while their signatures could still be good: a row for
-- each key of a group that was taken at once. Numbers rise with every commit and never come twice, so that whoever keeps
-- nonces in memory finds what others have written since. The statement that writes a row takes the key from `credentials`; no key is
-- ever taken out of there, so there is no reference that would have to be looked up.
CREATE TABLE request_nonces (
    number     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    credential TEXT    NOT NULL CHECK (credential <> ''),
    nonces     BLOB    NOT NULL CHECK (length(nonces) >= 32 AND length(nonces) % 32 = 0),
    keep_until INTEGER NOT NULL,
    -- Of what was kept until then or not so long, some is forgotten: whether such a nonce was taken, nobody knows any more. It does
    -- not go back, whatever the clock does.
    forgotten  INTEGER NOT NULL
) STRICT;
CREATE INDEX request_nonces_by_end ON request_nonces (keep_until);

-- Administrative acts that wait for a second person.
CREATE TABLE proposals (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    act         TEXT    NOT NULL CHECK (act <> ''),
    proposed_by TEXT    NOT NULL REFERENCES credentials (id),
    proposer    TEXT    NOT NULL CHECK (proposer <> ''),
    proposed_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX proposals_by_age ON proposals (proposed_at);
CREATE INDEX proposals_by_client ON proposals (proposer, expires_at);
