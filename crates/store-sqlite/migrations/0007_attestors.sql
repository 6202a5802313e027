-- The life of attestors' keys. What the registry says of them is in `epochs`; here is what it cannot say.

-- Where the keys of each epoch are in their life, as it was recorded last.
CREATE TABLE epoch_lives (
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    epoch            INTEGER NOT NULL CHECK (epoch BETWEEN 1 AND 4294967295),
    state            TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired', 'revoked')),
    since            INTEGER CHECK ((since IS NULL) = (state = 'pending')),
    until            INTEGER CHECK ((until IS NULL) = (state <> 'retiring')),
    expires_at       INTEGER NOT NULL,
    PRIMARY KEY (domain_separator, epoch)
) STRICT, WITHOUT ROWID;

-- What was said of an epoch ahead of time: once each.
CREATE TABLE epoch_notices (
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    epoch            INTEGER NOT NULL CHECK (epoch BETWEEN 1 AND 4294967295),
    notice           TEXT    NOT NULL CHECK (notice IN ('ending', 'unsucceeded', 'lagging')),
    at               INTEGER NOT NULL,
    PRIMARY KEY (domain_separator, epoch, notice)
) STRICT, WITHOUT ROWID;

-- Who has signed what is recorded: by the bitmap of the signers, of which an epoch has few.
CREATE TABLE signer_uses (
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    -- As eight hexadecimal digits.
    epoch            TEXT    NOT NULL CHECK (length(epoch) = 8),
    bitmap           BLOB    NOT NULL CHECK (length(bitmap) <= 32),
    signed           INTEGER NOT NULL CHECK (signed >= 1),
    claims           INTEGER NOT NULL CHECK (claims >= 1),
    last_at          INTEGER NOT NULL,
    PRIMARY KEY (domain_separator, epoch, bitmap)
) STRICT, WITHOUT ROWID;

-- Keys of this node that could not sign.
CREATE TABLE signer_failures (
    domain_separator BLOB    NOT NULL CHECK (length(domain_separator) = 32),
    signer           BLOB    NOT NULL CHECK (length(signer) = 20),
    count            INTEGER NOT NULL CHECK (count >= 1),
    last_at          INTEGER NOT NULL,
    PRIMARY KEY (domain_separator, signer)
) STRICT, WITHOUT ROWID;

-- `signerEpoch` ends the twentieth word of a payload.
CREATE TRIGGER signer_used AFTER INSERT ON attestations WHEN NEW.signatures IS NOT NULL BEGIN
    INSERT INTO signer_uses (domain_separator, epoch, bitmap, signed, claims, last_at)
    SELECT domain_separator, hex(substr(payload, 637, 4)), substr(NEW.signatures, 1, 32), 1, 1, NEW.attested_at
    FROM statements WHERE position = NEW.statement
    ON CONFLICT DO UPDATE SET signed = signed + 1, claims = claims + 1, last_at = max(last_at, excluded.last_at);
END;
CREATE TRIGGER signer_used_for_batch AFTER INSERT ON batches BEGIN
    INSERT INTO signer_uses (domain_separator, epoch, bitmap, signed, claims, last_at)
    VALUES (NEW.domain_separator, printf('%08X', NEW.signer_epoch), substr(NEW.signatures, 1, 32), 1, NEW.count, NEW.attested_at)
    ON CONFLICT DO UPDATE SET signed = signed + 1, claims = claims + excluded.claims, last_at = max(last_at, excluded.last_at);
END;

-- What was signed before this was counted.
INSERT INTO signer_uses (domain_separator, epoch, bitmap, signed, claims, last_at)
SELECT s.domain_separator, hex(substr(s.payload, 637, 4)), substr(a.signatures, 1, 32), count(*), count(*), max(a.attested_at)
FROM attestations AS a JOIN statements AS s ON s.position = a.statement
WHERE a.signatures IS NOT NULL GROUP BY 1, 2, 3;
INSERT INTO signer_uses (domain_separator, epoch, bitmap, signed, claims, last_at)
SELECT domain_separator, printf('%08X', signer_epoch), substr(signatures, 1, 32), count(*), sum(count), max(attested_at)
FROM batches WHERE true GROUP BY 1, 2, 3
ON CONFLICT DO UPDATE SET signed = signed + excluded.signed, claims = claims + excluded.claims,
    last_at = max(last_at, excluded.last_at);
