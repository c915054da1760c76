-- expand
-- Devices that became known before devices_from are no longer known: a reset sets it.
ALTER TABLE users ADD COLUMN devices_from INTEGER;
-- Links that were mailed before the password changed are void.
ALTER TABLE users ADD COLUMN password_changed_at INTEGER;
CREATE INDEX users_by_name ON users (name_key) WHERE name_key IS NOT NULL;
-- The domain, for searches such as @example.com: an address has one @ (docs/rules.md §5).
ALTER TABLE users ADD COLUMN email_domain TEXT GENERATED ALWAYS AS (substr(email_key, instr(email_key, '@') + 1)) VIRTUAL;
CREATE INDEX users_by_domain ON users (email_domain, id);

-- SQLite can't change a CHECK: the tables are rebuilt.
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
                                                  'displaced', 'password_changed', 'user_disabled', 'revoked',
                                                  'email_changed', 'locked_out', 'reported')),
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

ALTER TABLE one_time_tokens RENAME TO one_time_tokens_before;
CREATE TABLE one_time_tokens (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    kind       TEXT    NOT NULL CHECK (kind IN ('setup', 'password_reset', 'email_verification', 'email_change', 'report')),
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    -- The address that the token is bound to, and the password that it puts in force.
    email      TEXT,
    password_hash TEXT,
    name       TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO one_time_tokens (id, kind, user_id, digest, created_at, expires_at, used_at)
SELECT id, kind, user_id, digest, created_at, expires_at, used_at
FROM one_time_tokens_before;
DROP TABLE one_time_tokens_before;
CREATE UNIQUE INDEX one_time_tokens_digest ON one_time_tokens (digest);
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

CREATE TABLE api_keys (
    id           TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    digest       BLOB    NOT NULL CHECK (length(digest) = 32),
    -- Separated by spaces.
    permissions  TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);
CREATE INDEX api_keys_of_user ON api_keys (user_id, id);
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE expires_at IS NOT NULL;

-- Mails that wait, and those that were sent. due_at and leased_until are the database's clock. No foreign key: a notice of a
-- deletion outlives its user.
CREATE TABLE outbox (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    kind          TEXT    NOT NULL,
    user_id       TEXT,
    -- Where to, if not to the user's stored address; erased once it is done with.
    recipient     TEXT,
    -- What the mail says beside its kind: a JSON object; erased with the recipient.
    facts         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    due_at        INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    attempts      INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    leased_until  INTEGER,
    lease         TEXT,
    outcome       TEXT CHECK (outcome IN ('sent', 'dropped', 'failed')),
    done_at       INTEGER,
    last_error    TEXT,
    CHECK ((outcome IS NULL) = (done_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_of_user ON outbox (user_id, id) WHERE user_id IS NOT NULL;

-- No foreign keys: an event stays when its user is deleted.
CREATE TABLE audit_events (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    actor_id   TEXT,
    api_key_id TEXT,
    action     TEXT    NOT NULL,
    subject    TEXT,
    session_id TEXT,
    ip         TEXT,
    request_id TEXT,
    -- A JSON object of texts.
    details    TEXT    NOT NULL,
    -- The seal that covers it.
    batch      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_events_unsealed ON audit_events (id) WHERE batch IS NULL;
CREATE INDEX audit_events_batch ON audit_events (batch) WHERE batch IS NOT NULL;
CREATE INDEX audit_events_subject ON audit_events (subject, id) WHERE subject IS NOT NULL;
CREATE INDEX audit_events_actor ON audit_events (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, id);

CREATE TABLE audit_seals (
    number    INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
    previous  BLOB    NOT NULL CHECK (length(previous) = 32),
    count     INTEGER NOT NULL CHECK (count >= 0),
    mac       BLOB    NOT NULL CHECK (length(mac) = 32),
    sealed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_seals_sealed ON audit_seals (sealed_at);
INSERT INTO guards (name) VALUES ('audit_sealer');
