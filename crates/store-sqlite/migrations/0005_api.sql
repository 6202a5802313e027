-- What clients ask for.

-- Answers to writes, by the key that the client chose.
CREATE TABLE answers (
    caller  TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    request BLOB    NOT NULL CHECK (length(request) = 32),
    status  INTEGER NOT NULL CHECK (status BETWEEN 200 AND 599),
    body    BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (at);

CREATE INDEX IF NOT EXISTS policies_by_holder ON policies (holder, id);
CREATE INDEX determinations_by_confirmation ON determinations (confirmed_at, risk, ordinal);
CREATE INDEX risks_by_subject ON risks (subject, id);

-- How far claims have come, in a word.
CREATE VIEW claim_states AS
SELECT number, CASE WHEN eligible = 0 THEN 'refused' WHEN redeemed = 1 THEN 'paid' WHEN barred = 1 THEN 'barred'
                    WHEN attested = 1 THEN 'attested' ELSE 'waiting' END AS state
FROM claims;
