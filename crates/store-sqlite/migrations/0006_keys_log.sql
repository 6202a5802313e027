-- What happens to keys is said in the log by whoever writes it, in the transaction that does it: the service, another node, or
-- a command beside them.

CREATE TRIGGER log_key_made AFTER INSERT ON credentials BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('key', NEW.id, json_object(
        'owner_kind', NEW.owner_kind, 'owner', NEW.owner,
        'algorithm', iif(NEW.public_key IS NULL, 'hmac-sha256', 'ed25519'),
        'scopes', NEW.scopes, 'state', NEW.state, 'since', NEW.since, 'until', NEW.until,
        'expires_at', NEW.expires_at));
END;
CREATE TRIGGER log_key_state AFTER UPDATE OF state ON credentials WHEN NEW.state <> OLD.state BEGIN
    INSERT INTO log_queue (kind, subject, body) VALUES ('key', NEW.id, json_object(
        'owner_kind', NEW.owner_kind, 'owner', NEW.owner, 'was', OLD.state,
        'state', NEW.state, 'since', NEW.since, 'until', NEW.until));
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
