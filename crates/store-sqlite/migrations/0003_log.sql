-- The eligibility log: an append-only Merkle tree over every decision.
--
-- Tables that hold decisions queue a fact of each change here, in the transaction of the change; whoever appends makes
-- leaves of what is queued, in that order.

CREATE TABLE log_queue (
    position INTEGER NOT NULL PRIMARY KEY,
    kind     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    ordinal  INTEGER NOT NULL DEFAULT 0,
    -- What it was when it was queued, as JSON; null where the row is read when the leaf is made, since its other rows follow it,
    -- or since there are many.
    body     TEXT
) STRICT;
-- A claim is attested only when its leaf is in.
CREATE INDEX log_queue_claims ON log_queue (subject, ordinal) WHERE kind = 'claim';

CREATE TABLE log_leaves (
    place   INTEGER NOT NULL PRIMARY KEY CHECK (place >= 0),
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    ordinal INTEGER NOT NULL,
    -- RFC 8785 JSON; its hash is that of the leaf.
    entry   TEXT    NOT NULL
) STRICT;
CREATE INDEX log_leaves_by_subject ON log_leaves (subject, kind, ordinal, place);

-- The hashes of the tree, 256 of one height in a row: full ones never change.
CREATE TABLE log_tiles (
    level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    place  INTEGER NOT NULL CHECK (place >= 0),
    hashes BLOB    NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, place)
) STRICT;

-- How many leaves there are, and up to which attestation they go.
CREATE TABLE log_state (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    size        INTEGER NOT NULL CHECK (size >= 0),
    attestation INTEGER NOT NULL CHECK (attestation >= 0)
) STRICT;
INSERT INTO log_state (id, size, attestation) VALUES (1, 0, 0);

CREATE TABLE log_checkpoints (
    size      INTEGER NOT NULL PRIMARY KEY CHECK (size >= 0),
    note      TEXT    NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;

-- What could not become a leaf: a fact that contradicts one, or that is none. Nothing is attested for its subject while it is here.
CREATE TABLE log_doubts (
    kind     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    ordinal  INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    -- The body that was refused.
    refused  TEXT,
    found_at INTEGER NOT NULL,
    PRIMARY KEY (kind, subject, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_doubts_by_subject ON log_doubts (subject);

-- Why the log is neither appended to nor signed; no row while it is.
CREATE TABLE log_held (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    reason TEXT    NOT NULL,
    since  INTEGER NOT NULL
) STRICT;

-- Under which names and keys states were signed, one after the other; the last one is in force.
CREATE TABLE log_origins (
    number   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- As name+hash+base64.
    verifier TEXT    NOT NULL UNIQUE,
    -- How many leaves there were.
    size     INTEGER NOT NULL CHECK (size >= 0),
    begun_at INTEGER NOT NULL
) STRICT;

-- Why decisions are being taken back, in the transaction that does; without a row somebody else does it.
CREATE TABLE log_undoing (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    because TEXT    NOT NULL
) STRICT;

-- Up to where the leaves say that each source was read.
CREATE TABLE log_coverage (
    source     TEXT    NOT NULL PRIMARY KEY,
    next_block INTEGER NOT NULL CHECK (next_block >= 0),
    watermark  INTEGER NOT NULL,
    logged_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the first step of each source led to: from when on it was read.
CREATE TABLE log_begun (
    source    TEXT    NOT NULL PRIMARY KEY,
    block     INTEGER NOT NULL CHECK (block >= 0),
    watermark INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Policies of which the log does not say yet how they ended, or has to say it anew.
CREATE TABLE log_due (
    policy BLOB    NOT NULL PRIMARY KEY CHECK (length(policy) = 32),
    -- When to look whether it has ended.
    due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX log_due_by_time ON log_due (due_at);

-- "Not seeing is not no": what a source could not say within the period of a policy is found here.
CREATE INDEX observations_without_value ON observations (stream, observed_at) WHERE value_kind IS NULL;

-- What the leaf of each row says. An audit makes it anew and compares.
CREATE VIEW log_covers AS
SELECT 'cover' AS kind, terms_hash AS key, '0x' || lower(hex(terms_hash)) AS subject, 0 AS ordinal,
       json_object('name', name, 'version', version,
                   'canonical_terms', iif(length(canonical_terms) <= 15000, canonical_terms, NULL)) AS body
FROM covers;

CREATE VIEW log_declarations AS
SELECT 'declaration' AS kind, terms_hash AS key, '0x' || lower(hex(terms_hash)) AS subject, 0 AS ordinal,
       json_object('terms_hash', '0x' || lower(hex(terms_hash)), 'evaluate_from', evaluate_from,
                   'declared_at', declared_at, 'declared_by', declared_by) AS body
FROM declarations;

CREATE VIEW log_risks AS
SELECT 'risk' AS kind, id AS key, '0x' || lower(hex(id)) AS subject, 0 AS ordinal,
       json_object('terms_hash', '0x' || lower(hex(terms_hash)), 'subject', subject, 'inception', inception,
                   'evaluate_from', evaluate_from,
                   'streams', (SELECT json_group_array(json_object('source', streams.source, 'subject', streams.subject,
                                                                   'metric', streams.metric) ORDER BY listening.input)
                               FROM risk_streams AS listening JOIN streams ON streams.id = listening.stream
                               WHERE listening.risk = risks.id)) AS body
FROM risks;

CREATE VIEW log_policies AS
SELECT 'policy' AS kind, id AS key, '0x' || lower(hex(id)) AS subject, 0 AS ordinal,
       json_object('number', '0x' || lower(hex(number)), 'chain_id', chain_id, 'consumer', '0x' || lower(hex(contract)),
                   'terms_hash', '0x' || lower(hex(terms_hash)), 'risk', '0x' || lower(hex(risk)),
                   'holder', '0x' || lower(hex(holder)), 'sum_insured', '0x' || lower(hex(sum_insured)),
                   'inception', inception, 'expiry', expiry) AS body
FROM policies;

CREATE VIEW log_determinations AS
SELECT 'determination' AS kind, risk AS key, '0x' || lower(hex(risk)) AS subject, ordinal,
       json_object('verdict', iif(unknown IS NULL, 'triggered', 'inconclusive'),
                   'terms_hash', '0x' || lower(hex(terms_hash)), 'insured', subject,
                   'event_id', '0x' || lower(hex(event_id)), 'occurred_at', occurred_at, 'confirmed_at', confirmed_at,
                   'settled_at', settled_at, 'evidence_from', evidence_from, 'determined_at', determined_at,
                   'payout', payout, 'unknown', json(unknown), 'evidence_root', '0x' || lower(hex(evidence_root)),
                   'evidence_count', evidence_count, 'chain_id', chain_id, 'block', block,
                   'block_hash', iif(block_hash IS NULL, NULL, '0x' || lower(hex(block_hash))), 'log_index', log_index,
                   'inputs', (SELECT json_group_array(json_object('kind', value_kind, 'value', value,
                                                                  'unknown', json(i.unknown)) ORDER BY input)
                              FROM determination_inputs AS i WHERE i.risk = d.risk AND i.ordinal = d.ordinal),
                   'guards', (SELECT json_group_array(json_object('holds', holds, 'unknown', json(g.unknown)) ORDER BY guard)
                              FROM determination_guards AS g WHERE g.risk = d.risk AND g.ordinal = d.ordinal)) AS body
FROM determinations AS d;

CREATE VIEW log_claims AS
SELECT 'claim' AS kind, policy AS key, '0x' || lower(hex(policy)) AS subject, ordinal,
       json_object('risk', '0x' || lower(hex(risk)), 'decision', iif(eligible = 1, 'accepted', 'refused'),
                   'fraction', fraction, 'amount', iif(amount IS NULL, NULL, '0x' || lower(hex(amount))),
                   'refusal', json(refusal)) AS body
FROM claims;

CREATE VIEW log_attestations AS
SELECT 'attestation' AS kind, id AS key, '0x' || lower(hex(id)) AS subject, 0 AS ordinal, position,
       json_object('domain_separator', '0x' || lower(hex(domain_separator)), 'claim_key', '0x' || lower(hex(claim_key)),
                   'policy', '0x' || lower(hex(policy)), 'risk', '0x' || lower(hex(risk)), 'loss', ordinal,
                   'attested_at', attested_at) AS body
FROM attested;

CREATE VIEW log_withdrawals AS
SELECT 'withdrawal' AS kind, id AS key, '0x' || lower(hex(id)) AS subject, 0 AS ordinal,
       json_object('domain_separator', '0x' || lower(hex(domain_separator)), 'claim_key', '0x' || lower(hex(claim_key)),
                   'says', kind, 'number', number, 'reason', reason, 'said_at', said_at) AS body
FROM withdrawals;

CREATE VIEW log_standings AS
SELECT 'standing' AS kind, claim_key AS key, domain_separator, '0x' || lower(hex(claim_key)) || '@0x' || lower(hex(domain_separator)) AS subject,
       0 AS ordinal,
       json_object('consumed', consumed, 'hold', hold, 'min_revision', min_revision, 'corrected', corrected) AS body
FROM standings;

CREATE VIEW log_epochs AS
SELECT 'epoch' AS kind, domain_separator AS key, '0x' || lower(hex(domain_separator)) AS subject, number AS ordinal,
       json_object('announced', announced, 'active_from', '0x' || lower(hex(active_from)),
                   'sign_until', '0x' || lower(hex(sign_until)), 'accept_until', '0x' || lower(hex(accept_until)),
                   'revoked', revoked, 'signers', json(signers)) AS body
FROM epochs;

CREATE VIEW log_halts AS
SELECT 'halt' AS kind, source AS key, source AS subject, 0 AS ordinal,
       json_object('chain', chain, 'number', number, 'cause', json(cause), 'endpoint', endpoint, 'since', since) AS body
FROM halts;

-- What was decided before there was a log.
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_covers ORDER BY subject;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_declarations ORDER BY subject;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_risks ORDER BY subject;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_policies ORDER BY subject;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_determinations ORDER BY subject, ordinal;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_claims ORDER BY subject, ordinal;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_withdrawals ORDER BY subject;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_standings ORDER BY subject;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_epochs ORDER BY subject, ordinal;
INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_halts ORDER BY subject;
INSERT INTO log_due (policy, due_at) SELECT id, expiry FROM policies;

CREATE TRIGGER log_cover AFTER INSERT ON covers BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_covers WHERE key = NEW.terms_hash;
END;
CREATE TRIGGER log_declaration AFTER INSERT ON declarations BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_declarations WHERE key = NEW.terms_hash;
END;
CREATE TRIGGER log_risk AFTER INSERT ON risks BEGIN
    INSERT INTO log_queue (kind, subject) VALUES ('risk', '0x' || lower(hex(NEW.id)));
END;
-- Of policies and claims there are many at once: their rows, which never change, are read when their leaves are made.
CREATE TRIGGER log_policy AFTER INSERT ON policies BEGIN
    INSERT INTO log_queue (kind, subject) VALUES ('policy', '0x' || lower(hex(NEW.id)));
END;
CREATE TRIGGER log_determination AFTER INSERT ON determinations BEGIN
    INSERT INTO log_queue (kind, subject, ordinal) VALUES ('determination', '0x' || lower(hex(NEW.risk)), NEW.ordinal);
END;
-- Decided anew in the place of one that an unwinding kept.
CREATE TRIGGER log_determination_anew AFTER UPDATE OF evidence_root ON determinations BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    VALUES ('determination', '0x' || lower(hex(OLD.risk)), OLD.ordinal,
            json_object('verdict', 'undone', 'evidence_root', '0x' || lower(hex(OLD.evidence_root)),
                        'because', (SELECT because FROM log_undoing WHERE id = 1)));
    INSERT INTO log_queue (kind, subject, ordinal) VALUES ('determination', '0x' || lower(hex(NEW.risk)), NEW.ordinal);
END;
CREATE TRIGGER log_determination_undone AFTER DELETE ON determinations BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    VALUES ('determination', '0x' || lower(hex(OLD.risk)), OLD.ordinal,
            json_object('verdict', 'undone', 'evidence_root', '0x' || lower(hex(OLD.evidence_root)),
                        'because', (SELECT because FROM log_undoing WHERE id = 1)));
END;
CREATE TRIGGER log_claim AFTER INSERT ON claims BEGIN
    INSERT INTO log_queue (kind, subject, ordinal) VALUES ('claim', '0x' || lower(hex(NEW.policy)), NEW.ordinal);
END;
CREATE TRIGGER log_claim_undone AFTER DELETE ON claims BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    VALUES ('claim', '0x' || lower(hex(OLD.policy)), OLD.ordinal,
            json_object('decision', 'undone', 'because', (SELECT because FROM log_undoing WHERE id = 1)));
END;
CREATE TRIGGER log_withdrawal AFTER INSERT ON withdrawals BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_withdrawals WHERE key = NEW.id;
END;
CREATE TRIGGER log_standing AFTER INSERT ON standings BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_standings WHERE key = NEW.claim_key AND domain_separator = NEW.domain_separator;
END;
CREATE TRIGGER log_standing_changed AFTER UPDATE ON standings
WHEN NEW.consumed <> OLD.consumed OR NEW.hold IS NOT OLD.hold OR NEW.min_revision <> OLD.min_revision OR NEW.corrected IS NOT OLD.corrected BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_standings WHERE key = NEW.claim_key AND domain_separator = NEW.domain_separator;
END;
CREATE TRIGGER log_epoch AFTER INSERT ON epochs BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_epochs WHERE key = NEW.domain_separator AND ordinal = NEW.number;
END;
CREATE TRIGGER log_epoch_changed AFTER UPDATE ON epochs BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_epochs WHERE key = NEW.domain_separator AND ordinal = NEW.number;
END;
CREATE TRIGGER log_halt AFTER INSERT ON halts BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_halts WHERE key = NEW.source;
END;
CREATE TRIGGER log_halt_cleared AFTER DELETE ON halts BEGIN
    INSERT INTO log_queue (kind, subject, body)
    VALUES ('halt', OLD.source, json_object('chain', OLD.chain, 'cleared', json('true')));
END;
CREATE TRIGGER log_source AFTER INSERT ON sources BEGIN
    INSERT INTO log_begun (source, block, watermark) VALUES (NEW.source, NEW.cursor ->> 'number', NEW.watermark)
    ON CONFLICT (source) DO UPDATE SET block = excluded.block, watermark = excluded.watermark;
END;
-- Of a subject that is asked about for long, a leaf for each day; of a flight, one.
CREATE TRIGGER log_look AFTER UPDATE ON looks
WHEN NEW.state <> OLD.state OR NEW.watermark / 86400 <> OLD.watermark / 86400 BEGIN
    INSERT INTO log_queue (kind, subject, body)
    VALUES ('look', NEW.subject || '@' || NEW.source, json_object('source', NEW.source, 'subject', NEW.subject));
END;
-- What an unwinding took back is no longer read.
CREATE TRIGGER log_coverage_removed AFTER DELETE ON coverage BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT 'coverage', source, OLD.first, json_object('undone_from_block', OLD.first) FROM log_coverage
    WHERE source = OLD.source AND next_block > OLD.first;
    UPDATE log_coverage SET next_block = OLD.first WHERE source = OLD.source AND next_block > OLD.first;
END;
CREATE TRIGGER log_coverage_shortened AFTER UPDATE OF last ON coverage WHEN NEW.last < OLD.last BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT 'coverage', source, NEW.last + 1, json_object('undone_from_block', NEW.last + 1) FROM log_coverage
    WHERE source = NEW.source AND next_block > NEW.last + 1;
    UPDATE log_coverage SET next_block = NEW.last + 1 WHERE source = NEW.source AND next_block > NEW.last + 1;
END;
