-- expand
-- Devices that became known before devices_from are no longer known: a reset sets it.
ALTER TABLE users ADD COLUMN devices_from timestamptz;
-- Links that were mailed before the password changed are void.
ALTER TABLE users ADD COLUMN password_changed_at timestamptz;
CREATE INDEX users_by_name ON users (name_key) WHERE name_key IS NOT NULL;
-- The domain, for searches such as @example.com: an address has one @ (docs/rules.md §5).
ALTER TABLE users ADD COLUMN email_domain text COLLATE "C" GENERATED ALWAYS AS (split_part(email_key, '@', 2)) STORED;
CREATE INDEX users_by_domain ON users (email_domain, id);

ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_check CHECK (end_reason IN ('logout', 'logout_all', 'ended_by_user',
    'ended_by_admin', 'reuse', 'displaced', 'password_changed', 'user_disabled', 'revoked', 'email_changed', 'locked_out',
    'reported'));

ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_kind_check;
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_kind_check
    CHECK (kind IN ('setup', 'password_reset', 'email_verification', 'email_change', 'report'));
-- The address that the token is bound to, and the password that it puts in force.
ALTER TABLE one_time_tokens ADD COLUMN email text;
ALTER TABLE one_time_tokens ADD COLUMN password_hash text;
ALTER TABLE one_time_tokens ADD COLUMN name text;

CREATE TABLE api_keys (
    id           uuid        NOT NULL PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         text        NOT NULL,
    digest       bytea       NOT NULL CHECK (length(digest) = 32),
    -- Separated by spaces.
    permissions  text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz
);
CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);
CREATE INDEX api_keys_of_user ON api_keys (user_id, id);
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE expires_at IS NOT NULL;

-- Mails that wait, and those that were sent. due_at and leased_until are the database's clock. No foreign key: a notice of a
-- deletion outlives its user.
CREATE TABLE outbox (
    id            uuid        NOT NULL PRIMARY KEY,
    kind          text        NOT NULL COLLATE "C",
    user_id       uuid,
    -- Where to, if not to the user's stored address; erased once it is done with.
    recipient     text,
    -- What the mail says beside its kind: a JSON object; erased with the recipient.
    facts         text        NOT NULL,
    created_at    timestamptz NOT NULL,
    due_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts      integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    leased_until  timestamptz,
    lease         uuid,
    outcome       text COLLATE "C" CHECK (outcome IN ('sent', 'dropped', 'failed')),
    done_at       timestamptz,
    last_error    text,
    CHECK ((outcome IS NULL) = (done_at IS NULL))
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_of_user ON outbox (user_id, id) WHERE user_id IS NOT NULL;

-- No foreign keys: an event stays when its user is deleted.
CREATE TABLE audit_events (
    id         uuid        NOT NULL PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL COLLATE "C",
    actor_id   uuid,
    api_key_id uuid,
    action     text        NOT NULL COLLATE "C",
    subject    uuid,
    session_id uuid,
    ip         text,
    request_id text,
    -- A JSON object of texts.
    details    text        NOT NULL,
    -- The seal that covers it.
    batch      bigint
);
CREATE INDEX audit_events_unsealed ON audit_events (id) WHERE batch IS NULL;
CREATE INDEX audit_events_batch ON audit_events (batch) WHERE batch IS NOT NULL;
CREATE INDEX audit_events_subject ON audit_events (subject, id) WHERE subject IS NOT NULL;
CREATE INDEX audit_events_actor ON audit_events (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, id);

CREATE TABLE audit_seals (
    number    bigint      NOT NULL PRIMARY KEY CHECK (number > 0),
    previous  bytea       NOT NULL CHECK (length(previous) = 32),
    count     bigint      NOT NULL CHECK (count >= 0),
    mac       bytea       NOT NULL CHECK (length(mac) = 32),
    sealed_at timestamptz NOT NULL
);
CREATE INDEX audit_seals_sealed ON audit_seals (sealed_at);
INSERT INTO guards (name) VALUES ('audit_sealer');
