-- expand
-- Keys of text sort and compare by their bytes ("C"), as they do on SQLite.
CREATE TABLE users (
    id                uuid        NOT NULL PRIMARY KEY,
    email             text        NOT NULL,
    -- The canonical address, computed in Rust: what makes two addresses the same one.
    email_key         text        NOT NULL COLLATE "C",
    name              text,
    -- The name in lower case, computed in Rust, for searching alike on every database.
    name_key          text        COLLATE "C",
    password_hash     text,
    role              text        NOT NULL COLLATE "C",
    status            text        NOT NULL COLLATE "C" CHECK (status IN ('active', 'disabled')),
    email_verified_at timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    last_login_at     timestamptz,
    token_generation  bigint      NOT NULL DEFAULT 0 CHECK (token_generation >= 0)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_by_role ON users (role, id);

CREATE TABLE sessions (
    id                 uuid        NOT NULL PRIMARY KEY,
    user_id            uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation         bigint      NOT NULL CHECK (generation >= 0),
    created_at         timestamptz NOT NULL,
    rotation           bigint      NOT NULL CHECK (rotation BETWEEN 0 AND 4294967295),
    rotated_at         timestamptz NOT NULL,
    refresh_expires_at timestamptz NOT NULL,
    access_until       timestamptz NOT NULL,
    idempotency_digest bytea CHECK (length(idempotency_digest) = 32),
    ended_at           timestamptz,
    end_reason         text COLLATE "C" CHECK (end_reason IN ('logout', 'logout_all', 'ended_by_user', 'ended_by_admin',
                                 'reuse', 'displaced', 'password_changed', 'user_disabled', 'revoked')),
    ip                 text,
    user_agent         text,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 80);
-- No index names a column that a rotation changes: a refresh stays on its page (a heap-only update).
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE one_time_tokens (
    id         uuid        NOT NULL PRIMARY KEY,
    kind       text        NOT NULL COLLATE "C" CHECK (kind IN ('setup', 'password_reset', 'email_verification')),
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
    digest     bytea       NOT NULL CHECK (length(digest) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE UNIQUE INDEX one_time_tokens_digest ON one_time_tokens (digest);
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

-- A row that a transaction locks first, so that no two transactions decide from the same state.
CREATE TABLE guards (
    name  text   NOT NULL PRIMARY KEY COLLATE "C",
    taken bigint NOT NULL DEFAULT 0
);
INSERT INTO guards (name) VALUES ('administrators');
