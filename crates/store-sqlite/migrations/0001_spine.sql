-- What a service remembers.
--
-- Hashes are 32-byte blobs, addresses 20-byte blobs, 256-bit numbers 32-byte big-endian blobs (they order right), instants
-- whole seconds since 1970. A value is its type's name and its text; a reason (unknown, refusal) is JSON.

-- `Tocs`: tells this file from other programs' databases.
PRAGMA application_id = 1416586099;

CREATE TABLE covers (
    terms_hash      BLOB    NOT NULL PRIMARY KEY CHECK (length(terms_hash) = 32),
    name            TEXT    NOT NULL,
    version         INTEGER NOT NULL CHECK (version >= 0),
    canonical_terms TEXT    NOT NULL,
    UNIQUE (name, version)
) STRICT;

-- Covers that clients declared while the service ran, in the order in which they came into force.
CREATE TABLE declarations (
    position      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    terms_hash    BLOB    NOT NULL UNIQUE REFERENCES covers (terms_hash),
    evaluate_from INTEGER NOT NULL,
    declared_at   INTEGER NOT NULL CHECK (declared_at < evaluate_from),
    declared_by   TEXT    NOT NULL
) STRICT;

-- A row of `streams` stands for (source, subject, metric) in the tables that would repeat them a million times.
CREATE TABLE streams (
    id      INTEGER NOT NULL PRIMARY KEY,
    source  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    metric  TEXT    NOT NULL,
    UNIQUE (source, subject, metric)
) STRICT;

CREATE TABLE risks (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    terms_hash    BLOB    NOT NULL REFERENCES covers (terms_hash),
    subject       TEXT    NOT NULL,
    -- That of its policies, where the terms ask for it.
    inception     INTEGER,
    evaluate_from INTEGER NOT NULL,
    initial_state BLOB    NOT NULL,
    state         BLOB    NOT NULL,
    version       INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    -- Null before the first evaluation, and where evaluation begins again.
    evaluated_to  INTEGER,
    -- When everything about it was over; it is not evaluated any more. Null while it is.
    archived_at   INTEGER,
    CHECK (version > 0 OR evaluated_to IS NULL)
) STRICT;
CREATE INDEX risks_by_cover ON risks (terms_hash);
CREATE INDEX risks_live ON risks (id) WHERE archived_at IS NULL;

-- What the inputs of a risk listen to, in the order of the cover's inputs.
CREATE TABLE risk_streams (
    risk   BLOB    NOT NULL REFERENCES risks (id),
    input  INTEGER NOT NULL CHECK (input >= 0),
    stream INTEGER NOT NULL REFERENCES streams (id),
    PRIMARY KEY (risk, input)
) STRICT, WITHOUT ROWID;
CREATE INDEX risk_streams_by_stream ON risk_streams (stream);

-- How far each source was read; `cursor` is JSON.
CREATE TABLE sources (
    source    TEXT    NOT NULL PRIMARY KEY,
    cursor    TEXT    NOT NULL,
    watermark INTEGER NOT NULL,
    -- Hash of the settings that it was read with.
    reading   BLOB    NOT NULL CHECK (length(reading) = 32)
) STRICT, WITHOUT ROWID;

-- What is to be asked of polled sources, by subject.
CREATE TABLE looks (
    source    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    state     TEXT    NOT NULL CHECK (state IN ('open', 'over', 'person')),
    -- When something is to be done.
    due_at    INTEGER,
    -- Null until something was said.
    watermark INTEGER,
    -- What the reader wants to be told, as JSON.
    memory    TEXT    CHECK (memory IS NULL OR json_valid(memory)),
    -- What was wrong the last time.
    trouble   TEXT,
    -- Why it needs a person.
    reason    TEXT,
    looked_at INTEGER,
    version   INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    PRIMARY KEY (source, subject),
    CHECK (state <> 'open' OR due_at IS NOT NULL),
    CHECK ((reason IS NOT NULL) = (state = 'person'))
) STRICT, WITHOUT ROWID;
CREATE INDEX looks_due ON looks (source, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX looks_by_state ON looks (source, state, subject);
CREATE INDEX looks_troubled ON looks (source) WHERE state = 'open' AND trouble IS NOT NULL;

-- How many questions each key of a polled source has asked in each UTC day.
CREATE TABLE usage (
    source   TEXT    NOT NULL,
    day      INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    requests INTEGER NOT NULL CHECK (requests BETWEEN 0 AND 4294967295),
    PRIMARY KEY (source, day, key)
) STRICT, WITHOUT ROWID;

-- What polled sources sent, by its keccak-256, compressed with Zstandard.
CREATE TABLE responses (
    hash   BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    -- Bytes before the compression.
    length INTEGER NOT NULL CHECK (length >= 0),
    body   BLOB    NOT NULL
) STRICT;

-- Who sent it, and when.
CREATE TABLE fetches (
    hash     BLOB    NOT NULL REFERENCES responses (hash),
    source   TEXT    NOT NULL,
    -- What was asked, without keys.
    url      TEXT    NOT NULL,
    status   INTEGER NOT NULL CHECK (status BETWEEN 0 AND 65535),
    -- Hash of what decided how it was read.
    reading  BLOB    NOT NULL CHECK (length(reading) = 32),
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL CHECK (last_at >= first_at),
    PRIMARY KEY (hash, source, url, status, reading)
) STRICT, WITHOUT ROWID;
CREATE INDEX fetches_by_age ON fetches (source, last_at);

-- Which blocks of each source were read: without a gap, from the first one to the cursor.
CREATE TABLE coverage (
    source    TEXT    NOT NULL,
    last      INTEGER NOT NULL,
    first     INTEGER NOT NULL CHECK (first BETWEEN 0 AND last),
    proof     TEXT    NOT NULL CHECK (proof IN ('root', 'bloom', 'word')),
    agreed    INTEGER NOT NULL CHECK (agreed BETWEEN 1 AND 4294967295),
    -- JSON list.
    endpoints TEXT    NOT NULL,
    PRIMARY KEY (source, last)
) STRICT, WITHOUT ROWID;

-- What looking again at some of them found.
CREATE TABLE rechecks (
    -- The order in which they were recorded.
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source   TEXT    NOT NULL,
    first    INTEGER NOT NULL CHECK (first BETWEEN 0 AND last),
    last     INTEGER NOT NULL,
    endpoint TEXT    NOT NULL,
    -- How it differed; null where it did not.
    differs  TEXT,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX rechecks_by_source ON rechecks (source, position);

-- Sources whose chain took back a block that counted as final.
CREATE TABLE halts (
    source   TEXT    NOT NULL PRIMARY KEY,
    chain    TEXT    NOT NULL,
    number   INTEGER NOT NULL CHECK (number >= 0),
    -- As JSON.
    cause    TEXT    NOT NULL,
    endpoint TEXT    NOT NULL,
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE observations (
    stream      INTEGER NOT NULL REFERENCES streams (id),
    observed_at INTEGER NOT NULL,
    sequence    BLOB    NOT NULL CHECK (length(sequence) = 32),
    -- Both null where the source reported that it had no value.
    -- Not IN, which looks every row up in a table of its own.
    value_kind  TEXT    CHECK (value_kind = 'decimal' OR value_kind = 'bool' OR value_kind = 'duration' OR value_kind = 'text'
                            OR value_kind = 'time'),
    value       TEXT,
    -- The log that said so, for a chain (without its index, the state after the block said so); null for a feed or a file.
    chain_id    INTEGER CHECK (chain_id >= 0),
    block       INTEGER CHECK (block >= 0),
    block_hash  BLOB    CHECK (length(block_hash) = 32),
    log_index   INTEGER CHECK (log_index >= 0),
    raw_hash    BLOB    NOT NULL CHECK (length(raw_hash) = 32),
    PRIMARY KEY (stream, observed_at, sequence),
    CHECK ((value_kind IS NULL) = (value IS NULL)),
    CHECK ((chain_id IS NULL) = (block IS NULL) AND (chain_id IS NULL) = (block_hash IS NULL)
        AND (chain_id IS NOT NULL OR log_index IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX observations_by_response ON observations (raw_hash) WHERE chain_id IS NULL;

CREATE TABLE determinations (
    risk            BLOB    NOT NULL REFERENCES risks (id),
    ordinal         INTEGER NOT NULL CHECK (ordinal BETWEEN 1 AND 4294967295),
    terms_hash      BLOB    NOT NULL CHECK (length(terms_hash) = 32),
    subject         TEXT    NOT NULL,
    event_id        BLOB    NOT NULL CHECK (length(event_id) = 32),
    occurred_at     INTEGER NOT NULL,
    confirmed_at    INTEGER NOT NULL CHECK (confirmed_at >= occurred_at),
    -- Until when the payout was looked for.
    settled_at      INTEGER NOT NULL CHECK (settled_at >= confirmed_at),
    -- Where its evidence begins.
    evidence_from   INTEGER NOT NULL CHECK (evidence_from <= occurred_at),
    determined_at   INTEGER NOT NULL CHECK (determined_at >= settled_at),
    -- A decimal of 0 to 1; or why there is none, as JSON.
    payout          TEXT,
    unknown         TEXT,
    evidence_root   BLOB    NOT NULL CHECK (length(evidence_root) = 32),
    evidence_count  INTEGER NOT NULL CHECK (evidence_count BETWEEN 0 AND 4294967295),
    -- The log that confirmed it, where one did.
    chain_id        INTEGER CHECK (chain_id >= 0),
    block           INTEGER CHECK (block >= 0),
    block_hash      BLOB    CHECK (length(block_hash) = 32),
    log_index       INTEGER CHECK (log_index >= 0),
    raw_hash        BLOB    CHECK (length(raw_hash) = 32),
    -- How many policies on the risk have no claim on this determination yet.
    awaiting_claims INTEGER NOT NULL CHECK (awaiting_claims >= 0),
    PRIMARY KEY (risk, ordinal),
    CHECK ((payout IS NULL) <> (unknown IS NULL)),
    CHECK ((chain_id IS NULL) = (block IS NULL) AND (chain_id IS NULL) = (block_hash IS NULL)
        AND (chain_id IS NOT NULL OR log_index IS NULL) AND (chain_id IS NULL) = (raw_hash IS NULL))
) STRICT;
CREATE INDEX determinations_unclaimed ON determinations (confirmed_at, risk, ordinal) WHERE awaiting_claims > 0;

-- The inputs in force at the confirmation: a value, or why there was none.
CREATE TABLE determination_inputs (
    risk       BLOB    NOT NULL,
    ordinal    INTEGER NOT NULL,
    input      INTEGER NOT NULL CHECK (input >= 0),
    value_kind TEXT    CHECK (value_kind IN ('decimal', 'duration', 'bool', 'text', 'time')),
    value      TEXT,
    unknown    TEXT,
    PRIMARY KEY (risk, ordinal, input),
    FOREIGN KEY (risk, ordinal) REFERENCES determinations (risk, ordinal),
    CHECK ((value_kind IS NULL) = (value IS NULL)),
    CHECK ((value IS NULL) <> (unknown IS NULL))
) STRICT, WITHOUT ROWID;

-- Whether each guard of the cover held at the confirmation; or why that is not known, as JSON.
CREATE TABLE determination_guards (
    risk    BLOB    NOT NULL,
    ordinal INTEGER NOT NULL,
    guard   INTEGER NOT NULL CHECK (guard >= 0),
    holds   INTEGER CHECK (holds IN (0, 1)),
    unknown TEXT,
    PRIMARY KEY (risk, ordinal, guard),
    FOREIGN KEY (risk, ordinal) REFERENCES determinations (risk, ordinal),
    CHECK ((holds IS NULL) <> (unknown IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    number      BLOB    NOT NULL CHECK (length(number) = 32),
    chain_id    INTEGER NOT NULL CHECK (chain_id >= 0),
    contract    BLOB    NOT NULL CHECK (length(contract) = 20),
    terms_hash  BLOB    NOT NULL CHECK (length(terms_hash) = 32),
    risk        BLOB    NOT NULL REFERENCES risks (id),
    holder      BLOB    NOT NULL CHECK (length(holder) = 20),
    sum_insured BLOB    NOT NULL CHECK (length(sum_insured) = 32),
    inception   INTEGER NOT NULL,
    expiry      INTEGER NOT NULL
) STRICT;
CREATE INDEX policies_by_risk ON policies (risk, id);

CREATE TABLE claims (
    number       INTEGER NOT NULL PRIMARY KEY,
    policy       BLOB    NOT NULL REFERENCES policies (id),
    risk         BLOB    NOT NULL,
    ordinal      INTEGER NOT NULL,
    -- The determination's own, so that waiting claims order without it.
    confirmed_at INTEGER NOT NULL,
    eligible     INTEGER NOT NULL CHECK (eligible IN (0, 1)),
    fraction     TEXT,
    amount       BLOB    CHECK (length(amount) = 32),
    refusal      TEXT,
    attested     INTEGER NOT NULL DEFAULT 0 CHECK (attested IN (0, 1)),
    -- Paid, as a final block says: nothing is said anew.
    redeemed     INTEGER NOT NULL DEFAULT 0 CHECK (redeemed IN (0, 1)),
    -- What was said of it is revoked, and nobody has allowed a corrected statement.
    barred       INTEGER NOT NULL DEFAULT 0 CHECK (barred IN (0, 1)),
    UNIQUE (policy, ordinal),
    FOREIGN KEY (risk, ordinal) REFERENCES determinations (risk, ordinal),
    CHECK ((fraction IS NOT NULL) = (eligible = 1)),
    CHECK ((amount IS NOT NULL) = (eligible = 1)),
    CHECK ((refusal IS NOT NULL) = (eligible = 0)),
    CHECK (attested = 0 OR eligible = 1)
) STRICT;
CREATE INDEX claims_by_determination ON claims (risk, ordinal);
CREATE INDEX claims_unattested ON claims (confirmed_at, risk, ordinal, policy) WHERE eligible = 1 AND attested = 0 AND redeemed = 0 AND barred = 0;
CREATE INDEX claims_unredeemed ON claims (policy, ordinal) WHERE attested = 1 AND redeemed = 0 AND barred = 0;
-- Lists of those that have come so far. What waits is listed by the index of what is to be attested, and sorted.
CREATE INDEX claims_refused ON claims (policy, ordinal) WHERE eligible = 0;
CREATE INDEX claims_paid ON claims (policy, ordinal) WHERE eligible = 1 AND redeemed = 1;
CREATE INDEX claims_barred ON claims (policy, ordinal) WHERE eligible = 1 AND redeemed = 0 AND barred = 1;

-- Claims that an unwinding could not remove, because their key was reserved; gone once their determination is decided anew.
CREATE TABLE kept_claims (
    risk            BLOB    NOT NULL,
    ordinal         INTEGER NOT NULL,
    policy          BLOB    NOT NULL,
    -- When a person acknowledged it.
    acknowledged_at INTEGER,
    PRIMARY KEY (risk, ordinal, policy),
    FOREIGN KEY (risk, ordinal) REFERENCES determinations (risk, ordinal),
    FOREIGN KEY (policy, ordinal) REFERENCES claims (policy, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_claims_by_claim ON kept_claims (policy, ordinal);

-- Losses that blocks show which are not final.
CREATE TABLE warnings (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    risk         BLOB    NOT NULL REFERENCES risks (id),
    ordinal      INTEGER NOT NULL CHECK (ordinal BETWEEN 1 AND 4294967295),
    terms_hash   BLOB    NOT NULL CHECK (length(terms_hash) = 32),
    subject      TEXT    NOT NULL,
    occurred_at  INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL CHECK (confirmed_at >= occurred_at),
    -- A decimal of 0 to 1, or why there is none, as JSON; both null while it has not settled.
    payout       TEXT,
    unknown      TEXT,
    -- The newest block that it rests on.
    chain        TEXT    NOT NULL,
    block        INTEGER NOT NULL CHECK (block >= 0),
    block_hash   BLOB    NOT NULL CHECK (length(block_hash) = 32),
    raised_at    INTEGER NOT NULL,
    ended_at     INTEGER,
    ending       TEXT    CHECK (ending IN ('withdrawn', 'confirmed')),
    CHECK (payout IS NULL OR unknown IS NULL),
    CHECK ((ended_at IS NULL) = (ending IS NULL))
) STRICT;
CREATE INDEX warnings_by_risk ON warnings (risk);
CREATE UNIQUE INDEX warnings_standing ON warnings (risk, ordinal) WHERE ended_at IS NULL;

-- Who may sign when; 8-byte big-endian numbers are unix seconds, up to the end of time.
CREATE TABLE epochs (
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    number           INTEGER NOT NULL CHECK (number BETWEEN 1 AND 4294967295),
    -- Whether the verifier said so in a final block; otherwise the configuration did.
    announced        INTEGER NOT NULL CHECK (announced IN (0, 1)),
    active_from      BLOB    NOT NULL CHECK (length(active_from) = 8),
    sign_until       BLOB    NOT NULL CHECK (length(sign_until) = 8),
    accept_until     BLOB    NOT NULL CHECK (length(accept_until) = 8),
    revoked          INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    -- As JSON: number, threshold, and who has which index.
    signers          TEXT    NOT NULL,
    PRIMARY KEY (domain_separator, number)
) STRICT, WITHOUT ROWID;

-- What the verifier says of claims that something has happened to.
CREATE TABLE standings (
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    claim_key        BLOB    NOT NULL CHECK (length(claim_key) = 32),
    consumed         INTEGER NOT NULL CHECK (consumed IN (0, 1)),
    -- The ordinal of the hold that is in force.
    hold             INTEGER CHECK (hold BETWEEN 1 AND 4294967295),
    -- Statements below are revoked.
    min_revision     INTEGER NOT NULL CHECK (min_revision BETWEEN 0 AND 4294967295),
    -- The revision in which a person has allowed a corrected statement.
    corrected        INTEGER CHECK (corrected BETWEEN 1 AND min_revision),
    PRIMARY KEY (domain_separator, claim_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX standings_stopped ON standings (domain_separator) WHERE hold IS NOT NULL OR min_revision > 0;

-- Up to where the verifier's blocks were searched for that.
CREATE TABLE standing_cursors (
    domain_separator BLOB    NOT NULL PRIMARY KEY CHECK (length(domain_separator) = 32),
    next_block       INTEGER NOT NULL CHECK (next_block >= 0)
) STRICT, WITHOUT ROWID;

-- What this node itself has said to take statements back, or to end holds, before it signed it.
CREATE TABLE withdrawals (
    id               BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    claim_key        BLOB    NOT NULL CHECK (length(claim_key) = 32),
    kind             TEXT    NOT NULL CHECK (kind IN ('revocation', 'release')),
    -- The least revision that stands; or the ordinal of the hold.
    number           INTEGER NOT NULL CHECK (number BETWEEN 1 AND 4294967295),
    -- Of a revocation: why.
    reason           TEXT,
    said_at          INTEGER NOT NULL,
    CHECK ((reason IS NOT NULL) = (kind = 'revocation'))
) STRICT;
CREATE INDEX withdrawals_by_claim ON withdrawals (claim_key, domain_separator);

-- The intent to sign: every payload that may be signed, and its only copy. Under one signing domain and consumption key all
-- say the same of the claim, and differ in times, epoch and revision only. The newest one holds the key.
CREATE TABLE statements (
    -- The order in which those of a key were journaled; those of other keys may be in any order.
    position         INTEGER NOT NULL PRIMARY KEY,
    attestation_id   BLOB    NOT NULL UNIQUE CHECK (length(attestation_id) = 32),
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    claim_key        BLOB    NOT NULL CHECK (length(claim_key) = 32),
    payload          BLOB    NOT NULL
) STRICT;
CREATE INDEX statements_by_claim ON statements (claim_key);

-- Many attestations under one signature: the root of the Merkle tree over their ids.
CREATE TABLE batches (
    number           INTEGER NOT NULL PRIMARY KEY,
    id               BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    root             BLOB    NOT NULL CHECK (length(root) = 32),
    count            INTEGER NOT NULL CHECK (count BETWEEN 1 AND 4294967295),
    issued_at        INTEGER NOT NULL CHECK (issued_at >= 0),
    signer_epoch     INTEGER NOT NULL CHECK (signer_epoch BETWEEN 0 AND 4294967295),
    signatures       BLOB    NOT NULL,
    attested_at      INTEGER NOT NULL
) STRICT;

-- The tree under a batch, root first, 32 nodes of 32 bytes in a row: proofs are read off it.
CREATE TABLE batch_nodes (
    batch INTEGER NOT NULL REFERENCES batches (number),
    chunk INTEGER NOT NULL CHECK (chunk >= 0),
    nodes BLOB    NOT NULL CHECK (length(nodes) BETWEEN 32 AND 1024 AND length(nodes) % 32 = 0),
    PRIMARY KEY (batch, chunk)
) STRICT, WITHOUT ROWID;

-- Statements that were signed. Everything in a row is small, so that a batch of many thousands fills few pages.
CREATE TABLE attestations (
    -- The order in which they were recorded.
    position    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    statement   INTEGER NOT NULL UNIQUE REFERENCES statements (position),
    claim       INTEGER NOT NULL REFERENCES claims (number),
    -- Its own; or the batch that it is in, its place there, and its leaf among the nodes of the batch's tree.
    signatures  BLOB,
    batch       INTEGER REFERENCES batches (number),
    place       INTEGER CHECK (place BETWEEN 0 AND 4294967294),
    leaf        INTEGER CHECK (leaf BETWEEN 0 AND 4294967294),
    attested_at INTEGER NOT NULL,
    CHECK ((signatures IS NULL) = (batch IS NOT NULL)),
    CHECK ((batch IS NULL) = (place IS NULL) AND (batch IS NULL) = (leaf IS NULL))
) STRICT;
CREATE INDEX attestations_by_claim ON attestations (claim);
CREATE UNIQUE INDEX attestations_by_batch ON attestations (batch, place) WHERE batch IS NOT NULL;

-- Attestations with what they rest on. Left joins, so that a damaged row is seen and not passed over.
CREATE VIEW attested AS
SELECT attestations.position, statements.attestation_id AS id, statements.domain_separator, statements.claim_key,
       claims.policy, claims.risk, claims.ordinal, statements.payload, attestations.signatures, attestations.batch,
       attestations.place, attestations.leaf, batches.id AS batch_id, batches.root, batches.count, attestations.attested_at
FROM attestations
LEFT JOIN statements ON statements.position = attestations.statement
LEFT JOIN claims ON claims.number = attestations.claim
LEFT JOIN batches ON batches.number = attestations.batch;

-- Attestations in the form of the Ethereum Attestation Service: one for each of its contracts, by this node's key.
CREATE TABLE mirrors (
    attestation BLOB    NOT NULL REFERENCES statements (attestation_id),
    chain_id    INTEGER NOT NULL CHECK (chain_id >= 0),
    contract    BLOB    NOT NULL CHECK (length(contract) = 20),
    -- What the contract says its version is; it is part of what is signed.
    version     TEXT    NOT NULL,
    signer      BLOB    NOT NULL CHECK (length(signer) = 20),
    signature   BLOB    NOT NULL CHECK (length(signature) = 65),
    mirrored_at INTEGER NOT NULL,
    PRIMARY KEY (attestation, chain_id, contract, version)
) STRICT, WITHOUT ROWID;

-- The outbox.
CREATE TABLE deliveries (
    -- The order in which they were queued.
    position    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    attestation BLOB    NOT NULL UNIQUE REFERENCES statements (attestation_id),
    claim_key   BLOB    NOT NULL CHECK (length(claim_key) = 32),
    chain_id    INTEGER NOT NULL CHECK (chain_id >= 0),
    consumer    BLOB    NOT NULL CHECK (length(consumer) = 20),
    calldata    BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'done', 'failed', 'superseded')),
    -- A newer attestation of the same claim is delivered instead, as soon as this one holds no nonce.
    superseded  INTEGER NOT NULL DEFAULT 0 CHECK (superseded IN (0, 1)),
    sender      BLOB    CHECK (length(sender) = 20),
    nonce       INTEGER CHECK (nonce >= 0),
    done_hash   BLOB    CHECK (length(done_hash) = 32),
    done_block  INTEGER CHECK (done_block >= 0),
    not_before  INTEGER NOT NULL,
    last_error  TEXT,
    failures    INTEGER NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND 4294967295),
    CHECK ((sender IS NOT NULL) = (state = 'sending')),
    CHECK ((nonce IS NOT NULL) = (state = 'sending')),
    CHECK ((done_hash IS NOT NULL) = (state = 'done')),
    CHECK ((done_block IS NOT NULL) = (state = 'done')),
    CHECK (superseded = 1 OR state <> 'superseded'),
    CHECK (superseded = 0 OR state <> 'queued')
) STRICT;
CREATE INDEX deliveries_of_claim ON deliveries (claim_key) WHERE state = 'sending';
CREATE UNIQUE INDEX deliveries_nonce ON deliveries (chain_id, nonce, sender) WHERE state = 'sending';
CREATE INDEX deliveries_queued ON deliveries (chain_id, position) WHERE state = 'queued';
-- Lists of those in a state, by the order in which they were queued.
CREATE INDEX deliveries_waiting ON deliveries (position) WHERE state = 'queued';
CREATE INDEX deliveries_sending ON deliveries (position) WHERE state = 'sending';
CREATE INDEX deliveries_done ON deliveries (position) WHERE state = 'done';
CREATE INDEX deliveries_failed ON deliveries (position) WHERE state = 'failed';
CREATE INDEX deliveries_superseded ON deliveries (position) WHERE state = 'superseded';

-- Every transaction that was ever signed for a delivery, also of nonces that it gave up.
CREATE TABLE delivery_attempts (
    attestation              BLOB    NOT NULL REFERENCES deliveries (attestation),
    number                   INTEGER NOT NULL CHECK (number >= 1),
    sender                   BLOB    NOT NULL CHECK (length(sender) = 20),
    nonce                    INTEGER NOT NULL CHECK (nonce >= 0),
    hash                     BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    raw                      BLOB    NOT NULL,
    -- 16-byte big-endian, wei.
    max_fee_per_gas          BLOB    NOT NULL CHECK (length(max_fee_per_gas) = 16),
    max_priority_fee_per_gas BLOB    NOT NULL CHECK (length(max_priority_fee_per_gas) = 16),
    gas_limit                INTEGER NOT NULL CHECK (gas_limit >= 0),
    signed_at                INTEGER NOT NULL,
    -- What it cost, once it is in a final block.
    mined_block              INTEGER CHECK (mined_block >= 0),
    succeeded                INTEGER CHECK (succeeded IN (0, 1)),
    gas_used                 INTEGER CHECK (gas_used >= 0),
    gas_price                BLOB    CHECK (length(gas_price) = 16),
    PRIMARY KEY (attestation, number),
    CHECK ((mined_block IS NULL) = (succeeded IS NULL)),
    CHECK ((mined_block IS NULL) = (gas_used IS NULL)),
    CHECK ((mined_block IS NULL) = (gas_price IS NULL))
) STRICT;

-- The next nonce of each account that sends; it only rises.
CREATE TABLE sender_nonces (
    chain_id INTEGER NOT NULL CHECK (chain_id >= 0),
    sender   BLOB    NOT NULL CHECK (length(sender) = 20),
    next     INTEGER NOT NULL CHECK (next >= 0),
    PRIMARY KEY (chain_id, sender)
) STRICT, WITHOUT ROWID;

-- What this node has said of each event to the other attestors of its quorum, and must not contradict.
CREATE TABLE ballots (
    domain_separator    BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    event               BLOB    NOT NULL CHECK (length(event) = 32),
    voted_round         INTEGER CHECK (voted_round BETWEEN 1 AND 4294967295),
    voted_reports       BLOB    CHECK (length(voted_reports) = 32),
    locked_round        INTEGER CHECK (locked_round BETWEEN 1 AND 4294967295),
    locked_reports      BLOB    CHECK (length(locked_reports) = 32),
    locked_certificate  BLOB,
    decided_round       INTEGER CHECK (decided_round BETWEEN 1 AND 4294967295),
    decided_reports     BLOB    CHECK (length(decided_reports) = 32),
    decided_certificate BLOB,
    PRIMARY KEY (domain_separator, event),
    CHECK ((voted_round IS NULL) = (voted_reports IS NULL)),
    CHECK ((locked_round IS NULL) = (locked_reports IS NULL) AND (locked_round IS NULL) = (locked_certificate IS NULL)),
    CHECK ((decided_round IS NULL) = (decided_reports IS NULL) AND (decided_round IS NULL) = (decided_certificate IS NULL))
) STRICT, WITHOUT ROWID;

-- The reports that were voted on, by their common hash, as the attestors write them to each other.
CREATE TABLE report_sets (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    body BLOB NOT NULL
) STRICT;

-- What quorums have signed, as the attestors tell each other of it, and whose claims it pays.
CREATE TABLE quorum_results (
    -- The order in which they came.
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id       BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
    body     BLOB    NOT NULL
) STRICT;
CREATE TABLE quorum_result_claims (
    claim_key BLOB NOT NULL CHECK (length(claim_key) = 32),
    result    BLOB NOT NULL REFERENCES quorum_results (id),
    PRIMARY KEY (claim_key, result)
) STRICT, WITHOUT ROWID;

-- What other attestors did that an operator has to know of. No bytes stand for: nobody known, and: no event.
CREATE TABLE disagreements (
    peer     BLOB    NOT NULL CHECK (length(peer) IN (0, 20)),
    kind     TEXT    NOT NULL,
    event    BLOB    NOT NULL CHECK (length(event) IN (0, 32)),
    detail   TEXT    NOT NULL,
    count    INTEGER NOT NULL CHECK (count >= 1),
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL CHECK (last_at >= first_at),
    PRIMARY KEY (peer, kind, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX disagreements_by_age ON disagreements (last_at);
