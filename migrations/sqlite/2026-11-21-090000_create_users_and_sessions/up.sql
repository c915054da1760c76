-- expand
-- Times are microseconds since 1970, ids are UUIDs in their hyphenated form (UUIDv7: they sort by the moment they were made).
CREATE TABLE users (
    id                TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    email             TEXT    NOT NULL,
    -- The canonical address, computed in Rust: what makes two addresses the same one.
    email_key         TEXT    NOT NULL,
    name              TEXT,
    -- The name in lower case, computed in Rust, for searching alike on every database.
    name_key          TEXT,
    password_hash     TEXT,
    role              TEXT    NOT NULL,
    status            TEXT    NOT NULL CHECK (status IN ('active', 'disabled')),
    email_verified_at INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    last_login_at     INTEGER,
    token_generation  INTEGER NOT NULL DEFAULT 0 CHECK (token_generation >= 0)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_by_role ON users (role, id);

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
-- No index names a column that a rotation changes: a refresh writes one page.
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE one_time_tokens (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    kind       TEXT    NOT NULL CHECK (kind IN ('setup', 'password_reset', 'email_verification')),
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_time_tokens_digest ON one_time_tokens (digest);
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

-- A row that a transaction locks first, so that no two transactions decide from the same state.
CREATE TABLE guards (
    name  TEXT    NOT NULL PRIMARY KEY,
    taken INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO guards (name) VALUES ('administrators');
