-- What somebody outside may want to hear of, and who is told.

CREATE TABLE events (
    -- The newest is never forgotten, so that no number is given twice.
    seq    INTEGER NOT NULL PRIMARY KEY,
    kind   TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    terms  BLOB    CHECK (length(terms) = 32),
    holder BLOB    CHECK (length(holder) = 20),
    body   TEXT    NOT NULL
) STRICT;

CREATE TABLE webhook_endpoints (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    url         TEXT    NOT NULL,
    description TEXT    NOT NULL,
    -- As JSON.
    filter      TEXT    NOT NULL CHECK (json_valid(filter)),
    client      TEXT,
    created_at  INTEGER NOT NULL,
    standing    TEXT    NOT NULL DEFAULT 'active' CHECK (standing IN ('active', 'paused', 'disabled')),
    since       INTEGER,
    reason      TEXT,
    CHECK ((standing = 'disabled') = (since IS NOT NULL AND reason IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_endpoints_by_client ON webhook_endpoints (client);

CREATE TABLE webhook_lanes (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    endpoint      BLOB    NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    -- Null for the live lane.
    replay_after  INTEGER,
    until         INTEGER,
    only_dead     INTEGER NOT NULL DEFAULT 0 CHECK (only_dead IN (0, 1)),
    cursor        INTEGER NOT NULL CHECK (cursor >= 0),
    -- What keeps it from the next event.
    failing       INTEGER,
    attempts      INTEGER,
    failing_since INTEGER,
    next_at       INTEGER,
    reason        TEXT,
    dead_in_a_row INTEGER NOT NULL DEFAULT 0 CHECK (dead_in_a_row >= 0),
    CHECK ((until IS NULL) = (replay_after IS NULL)),
    CHECK ((failing IS NULL) = (next_at IS NULL) AND (failing IS NULL) = (attempts IS NULL)
           AND (failing IS NULL) = (failing_since IS NULL) AND (failing IS NULL) = (reason IS NULL))
) STRICT;
CREATE INDEX webhook_lanes_by_endpoint ON webhook_lanes (endpoint, id);
CREATE UNIQUE INDEX webhook_lanes_live ON webhook_lanes (endpoint) WHERE until IS NULL;

-- Runs of events that were taken, and attempts that failed.
CREATE TABLE webhook_records (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    endpoint BLOB    NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    replayed INTEGER NOT NULL CHECK (replayed IN (0, 1)),
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    -- When a run began; it is continued for a minute.
    began_at INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    -- Null for a run.
    attempt  INTEGER,
    status   INTEGER,
    reason   TEXT,
    CHECK ((attempt IS NULL) = (reason IS NULL))
) STRICT;
CREATE INDEX webhook_records_by_endpoint ON webhook_records (endpoint, id);
CREATE INDEX webhook_records_by_age ON webhook_records (at);

CREATE TABLE webhook_dead_letters (
    endpoint BLOB    NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    PRIMARY KEY (endpoint, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_dead_letters_by_event ON webhook_dead_letters (seq);
