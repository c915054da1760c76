DELETE FROM guards WHERE name IN ('audit_sealer', 'audit_pruner');
DROP TABLE audit_seals;
DROP TABLE audit_events;
DROP TABLE outbox;
DROP TABLE api_keys;

DELETE FROM one_time_tokens WHERE kind IN ('email_change', 'report');
ALTER TABLE one_time_tokens RENAME TO one_time_tokens_before;
CREATE TABLE one_time_tokens (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    kind       TEXT    NOT NULL CHECK (kind IN ('setup', 'password_reset', 'email_verification')),
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO one_time_tokens (id, kind, user_id, digest, created_at, expires_at, used_at)
SELECT id, kind, user_id, digest, created_at, expires_at, used_at
FROM one_time_tokens_before;
DROP TABLE one_time_tokens_before;
CREATE UNIQUE INDEX one_time_tokens_digest ON one_time_tokens (digest);
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

UPDATE sessions SET end_reason = 'revoked' WHERE end_reason IN ('email_changed', 'locked_out', 'reported');
ALTER TABLE sessions RENAME TO sessions_before;
CREATE TABLE sessions (
    id                 TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    user_id            TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation         INTEGER NOT NULL CHECK (generation >= 0),
    created_at         INTEGER NOT NULL,
    rotation           INTEGER NOT NULL CHECK (rotation BETWEEN 0 AND 4294967295),
    rotated_at         INTEGER NOT NULL,
    refresh_expires_at INTEGER NOT NULL,
    access_until       INTEGER NOT NULL,
    idempotency_digest BLOB CHECK (length(idempotency_digest) = 32),
    ended_at           INTEGER,
    end_reason         TEXT CHECK (end_reason IN ('logout', 'logout_all', 'ended_by_user', 'ended_by_admin', 'reuse',
                                                  'displaced', 'password_changed', 'user_disabled', 'revoked')),
    ip                 TEXT,
    user_agent         TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until, idempotency_digest,
       ended_at, end_reason, ip, user_agent)
SELECT id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until, idempotency_digest,
       ended_at, end_reason, ip, user_agent
FROM sessions_before;
DROP TABLE sessions_before;
-- No index names a column that a rotation changes: a refresh writes one page.
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

DROP INDEX users_by_domain;
ALTER TABLE users DROP COLUMN email_domain;
DROP INDEX users_by_name;
ALTER TABLE users DROP COLUMN password_changed_at;
ALTER TABLE users DROP COLUMN devices_from;
