-- Words of newer versions are replaced by the nearest safe ones.
UPDATE users SET status = 'disabled' WHERE status NOT IN ('active', 'disabled');
UPDATE sessions SET end_reason = 'revoked' WHERE end_reason NOT IN ('logout', 'logout_all', 'ended_by_user', 'ended_by_admin',
    'reuse', 'displaced', 'password_changed', 'user_disabled', 'revoked', 'email_changed', 'locked_out', 'reported');
DELETE FROM one_time_tokens WHERE kind NOT IN ('setup', 'password_reset', 'email_verification', 'email_change', 'report');
UPDATE signing_keys SET state = 'retired' WHERE state NOT IN ('next', 'active', 'retiring', 'retired');
UPDATE outbox SET outcome = 'failed' WHERE outcome NOT IN ('sent', 'dropped', 'failed');
-- A revocation that can't be read revokes everything that could have its id, as in this version.
INSERT INTO revocations (id, kind, generation, until)
SELECT strange.id, hit.kind, hit.generation, max(strange.until)
FROM revocations strange
CROSS JOIN (SELECT 'token' AS kind, NULL AS generation UNION ALL SELECT 'session', NULL UNION ALL SELECT 'user', 9223372036854775807) AS hit
WHERE strange.kind NOT IN ('token', 'session', 'user') OR (strange.kind = 'user') <> (strange.generation IS NOT NULL)
GROUP BY strange.id, hit.kind, hit.generation
ON CONFLICT (id, kind) DO UPDATE
SET generation = excluded.generation, until = max(revocations.until, excluded.until), recorded_at = excluded.recorded_at;
DELETE FROM revocations WHERE kind NOT IN ('token', 'session', 'user');

CREATE TABLE users_anew (
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
    token_generation  INTEGER NOT NULL DEFAULT 0 CHECK (token_generation >= 0),
    -- Known devices from before devices_from are strangers again: since the last reset.
    devices_from      INTEGER,
    -- Links that were mailed before the password changed are void.
    password_changed_at INTEGER,
    -- What a search for @example.com looks in: an address has one @ (docs/rules.md §5).
    email_domain      TEXT GENERATED ALWAYS AS (substr(email_key, instr(email_key, '@') + 1)) VIRTUAL
) STRICT, WITHOUT ROWID;
INSERT INTO users_anew (id, email, email_key, name, name_key, password_hash, role, status, email_verified_at, created_at, updated_at, last_login_at,
       token_generation, devices_from, password_changed_at)
SELECT id, email, email_key, name, name_key, password_hash, role, status, email_verified_at, created_at, updated_at, last_login_at,
       token_generation, devices_from, password_changed_at
FROM users;
DROP TABLE users;
ALTER TABLE users_anew RENAME TO users;
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_by_role ON users (role, id);
CREATE INDEX users_by_name ON users (name_key) WHERE name_key IS NOT NULL;
CREATE INDEX users_by_domain ON users (email_domain, id);

CREATE TABLE sessions_anew (
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
    -- When its user last proved who they are; NULL: created_at.
    authenticated_at   INTEGER,
    -- How often they proved it: 1 from the sign-in on.
    authentications    INTEGER NOT NULL DEFAULT 1,
    -- By which methods: words of RFC 8176, separated by spaces.
    amr                TEXT    NOT NULL DEFAULT 'pwd',
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO sessions_anew (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until, idempotency_digest,
       ended_at, end_reason, ip, user_agent, authenticated_at, authentications, amr)
SELECT id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until, idempotency_digest,
       ended_at, end_reason, ip, user_agent, authenticated_at, authentications, amr
FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_anew RENAME TO sessions;
-- No index names a column that a rotation changes: a refresh writes one page.
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_open ON sessions (user_id, id) WHERE ended_at IS NULL;
-- The user comes last, so that SQLite never takes it for the index of a user's sessions.
CREATE INDEX sessions_by_origin ON sessions (ip, user_agent, user_id);

CREATE TABLE one_time_tokens_anew (
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
INSERT INTO one_time_tokens_anew (id, kind, user_id, digest, created_at, expires_at, used_at, email, password_hash, name)
SELECT id, kind, user_id, digest, created_at, expires_at, used_at, email, password_hash, name
FROM one_time_tokens;
DROP TABLE one_time_tokens;
ALTER TABLE one_time_tokens_anew RENAME TO one_time_tokens;
CREATE UNIQUE INDEX one_time_tokens_digest ON one_time_tokens (digest);
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id, kind);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

CREATE TABLE signing_keys_anew (
    kid            TEXT    NOT NULL PRIMARY KEY,
    state          TEXT    NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired')),
    algorithm      TEXT    NOT NULL,
    public_jwk     TEXT    NOT NULL,
    -- The private key, sealed with the master key.
    sealed         BLOB    NOT NULL,
    published_at   INTEGER NOT NULL,
    verifies_until INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO signing_keys_anew (kid, state, algorithm, public_jwk, sealed, published_at, verifies_until)
SELECT kid, state, algorithm, public_jwk, sealed, published_at, verifies_until
FROM signing_keys;
DROP TABLE signing_keys;
ALTER TABLE signing_keys_anew RENAME TO signing_keys;
-- At most one key signs and at most one waits, whichever node created it.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';

CREATE TABLE outbox_anew (
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
INSERT INTO outbox_anew (id, kind, user_id, recipient, facts, created_at, due_at, attempts, leased_until, lease, outcome, done_at, last_error)
SELECT id, kind, user_id, recipient, facts, created_at, due_at, attempts, leased_until, lease, outcome, done_at, last_error
FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_anew RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox (user_id) WHERE done_at IS NULL;

CREATE TABLE revocations_anew (
    id          TEXT    NOT NULL CHECK (length(id) = 36),
    kind        TEXT    NOT NULL CHECK (kind IN ('token', 'session', 'user')),
    generation  INTEGER CHECK (generation >= 0),
    until       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    PRIMARY KEY (id, kind),
    CHECK ((kind = 'user') = (generation IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO revocations_anew (id, kind, generation, until, recorded_at)
SELECT id, kind, generation, until, recorded_at
FROM revocations;
DROP TABLE revocations;
ALTER TABLE revocations_anew RENAME TO revocations;
CREATE INDEX revocations_recorded ON revocations (recorded_at);
CREATE INDEX revocations_until ON revocations (until);
