-- What happens to keys is said in the log by whoever writes it, in the transaction that does it: the service, another node, or
-- a command beside them.

-- Of a secret its sealed form stands for it, which stays when it is sealed anew; leaves show a hash of that, as of what is said
-- of webhooks and asked for in proposals.
CREATE VIEW log_keys AS
SELECT 'key' AS kind, id AS key, id AS subject, 0 AS ordinal,
       json_object('owner_kind', owner_kind, 'owner', owner, 'algorithm', iif(public_key IS NULL, 'hmac-sha256', 'ed25519'),
                   'public_key', iif(public_key IS NULL, NULL, '0x' || lower(hex(public_key))),
                   'sealed', iif(sealed IS NULL, NULL, lower(hex(sealed))),
                   'scopes', scopes, 'state', state, 'since', since, 'until', until,
                   'expires_at', expires_at, 'created_at', created_at) AS body
FROM credentials;

CREATE VIEW log_clients AS
SELECT 'client' AS kind, name AS key, name AS subject, 0 AS ordinal, json_object('created_at', created_at) AS body
FROM clients;

CREATE VIEW log_proposals AS
SELECT 'proposal' AS kind, id AS key, lower(hex(id)) AS subject, 0 AS ordinal,
       json_object('act', act, 'proposed_by', proposed_by, 'proposer', proposer, 'proposed_at', proposed_at,
                   'expires_at', expires_at) AS body
FROM proposals;

CREATE VIEW log_webhooks AS
SELECT 'webhook' AS kind, id AS key, 'wh_' || lower(hex(id)) AS subject, 0 AS ordinal,
       json_object('url', url, 'description', description, 'filter', filter, 'client', client, 'created_at', created_at,
                   'standing', standing) AS body
FROM webhook_endpoints;

-- Every row that has a leaf, or waits for one.
CREATE VIEW log_facts AS
SELECT kind, subject, ordinal, body FROM log_covers
UNION ALL SELECT kind, subject, ordinal, body FROM log_risks
UNION ALL SELECT kind, subject, ordinal, body FROM log_policies
UNION ALL SELECT kind, subject, ordinal, body FROM log_determinations
UNION ALL SELECT kind, subject, ordinal, body FROM log_claims
UNION ALL SELECT kind, subject, ordinal, body FROM log_attestations
UNION ALL SELECT kind, subject, ordinal, body FROM log_withdrawals
UNION ALL SELECT kind, subject, ordinal, body FROM log_standings
UNION ALL SELECT kind, subject, ordinal, body FROM log_epochs
UNION ALL SELECT kind, subject, ordinal, body FROM log_halts
UNION ALL SELECT kind, subject, ordinal, body FROM log_keys
UNION ALL SELECT kind, subject, ordinal, body FROM log_clients
UNION ALL SELECT kind, subject, ordinal, body FROM log_proposals
UNION ALL SELECT kind, subject, ordinal, body FROM log_webhooks
UNION ALL SELECT kind, subject, ordinal, body FROM log_declarations;

CREATE TRIGGER log_key_made AFTER INSERT ON credentials BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_keys WHERE key = NEW.id;
END;
-- Not where a secret is sealed anew.
CREATE TRIGGER log_key_changed AFTER UPDATE ON credentials
WHEN NEW.id IS NOT OLD.id OR NEW.owner_kind IS NOT OLD.owner_kind OR NEW.owner IS NOT OLD.owner
  OR NEW.public_key IS NOT OLD.public_key OR NEW.sealed IS NOT OLD.sealed OR NEW.scopes IS NOT OLD.scopes
  OR NEW.state IS NOT OLD.state OR NEW.since IS NOT OLD.since OR NEW.until IS NOT OLD.until
  OR NEW.expires_at IS NOT OLD.expires_at OR NEW.created_at IS NOT OLD.created_at BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_keys WHERE key = NEW.id;
END;
CREATE TRIGGER log_key_gone AFTER DELETE ON credentials BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('key', OLD.id, json_object('gone', json('true')));
END;

CREATE TRIGGER log_client_made AFTER INSERT ON clients BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_clients WHERE key = NEW.name;
END;
CREATE TRIGGER log_client_changed AFTER UPDATE OF name, created_at ON clients BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_clients WHERE key = NEW.name;
END;
CREATE TRIGGER log_client_gone AFTER DELETE ON clients BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('client', OLD.name, json_object('gone', json('true')));
END;

CREATE TRIGGER log_proposal_made AFTER INSERT ON proposals BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_proposals WHERE key = NEW.id;
END;
CREATE TRIGGER log_proposal_changed AFTER UPDATE OF id, act, proposed_by, proposer, proposed_at, expires_at ON proposals BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_proposals WHERE key = NEW.id;
END;
CREATE TRIGGER log_proposal_gone AFTER DELETE ON proposals BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('proposal', lower(hex(OLD.id)), json_object('gone', json('true')));
END;

CREATE TRIGGER log_webhook_made AFTER INSERT ON webhook_endpoints BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_webhooks WHERE key = NEW.id;
END;
CREATE TRIGGER log_webhook_changed AFTER UPDATE OF id, url, description, filter, client, created_at, standing ON webhook_endpoints BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_webhooks WHERE key = NEW.id;
END;
CREATE TRIGGER log_webhook_gone AFTER DELETE ON webhook_endpoints BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('webhook', 'wh_' || lower(hex(OLD.id)), json_object('gone', json('true')));
END;

CREATE TRIGGER log_declaration_changed AFTER UPDATE OF terms_hash, evaluate_from, declared_at, declared_by ON declarations BEGIN
    INSERT INTO log_queue (kind, subject, ordinal, body)
    SELECT kind, subject, ordinal, body FROM log_declarations WHERE key = NEW.terms_hash;
END;
CREATE TRIGGER log_declaration_gone AFTER DELETE ON declarations BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('declaration', '0x' || lower(hex(OLD.terms_hash)), json_object('gone', json('true')));
END;

-- Refusals come here summed up, so that a flood of them is a few leaves a minute.
CREATE TRIGGER log_refusals_first AFTER INSERT ON credential_failures BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('audit', iif(NEW.credential = '', 'unknown key', NEW.credential),
        json_object('at', NEW.last_at, 'action', 'authentication-failed', 'actor', NULL,
                    'detail', json_object('kind', NEW.kind, 'count', NEW.count)));
END;
CREATE TRIGGER log_refusals_more AFTER UPDATE ON credential_failures BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('audit', iif(NEW.credential = '', 'unknown key', NEW.credential),
        json_object('at', NEW.last_at, 'action', 'authentication-failed', 'actor', NULL,
                    'detail', json_object('kind', NEW.kind, 'count', NEW.count - OLD.count)));
END;
