-- expand
CREATE TABLE signing_keys (
    kid            TEXT    NOT NULL PRIMARY KEY,
    state          TEXT    NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired')),
    algorithm      TEXT    NOT NULL,
    public_jwk     TEXT    NOT NULL,
    -- The private key, sealed with the master key.
    sealed         BLOB    NOT NULL,
    published_at   INTEGER NOT NULL,
    verifies_until INTEGER
) STRICT, WITHOUT ROWID;
-- At most one key signs and at most one waits, whichever node created it.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';

CREATE TABLE clients (
    id            TEXT    NOT NULL PRIMARY KEY,
    secret_digest BLOB    NOT NULL CHECK (length(secret_digest) = 32),
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
