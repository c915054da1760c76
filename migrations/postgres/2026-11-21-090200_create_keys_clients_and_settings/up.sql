-- expand
CREATE TABLE signing_keys (
    kid            text        NOT NULL PRIMARY KEY COLLATE "C",
    state          text        NOT NULL COLLATE "C" CHECK (state IN ('next', 'active', 'retiring', 'retired')),
    algorithm      text        NOT NULL,
    public_jwk     text        NOT NULL,
    -- The private key, sealed with the master key.
    sealed         bytea       NOT NULL,
    published_at   timestamptz NOT NULL,
    verifies_until timestamptz
);
-- At most one key signs and at most one waits, whichever node created it.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';

CREATE TABLE clients (
    id            text        NOT NULL PRIMARY KEY COLLATE "C",
    secret_digest bytea       NOT NULL CHECK (length(secret_digest) = 32),
    created_at    timestamptz NOT NULL
);

CREATE TABLE settings (
    name  text  NOT NULL PRIMARY KEY COLLATE "C",
    value bytea NOT NULL
);
