-- expand
-- No foreign keys: a revocation outlives what it revoked. recorded_at is the database's clock.
CREATE TABLE revocations (
    id          TEXT    NOT NULL CHECK (length(id) = 36),
    kind        TEXT    NOT NULL CHECK (kind IN ('token', 'session', 'user')),
    generation  INTEGER CHECK (generation >= 0),
    until       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    PRIMARY KEY (id, kind),
    CHECK ((kind = 'user') = (generation IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_recorded ON revocations (recorded_at);
CREATE INDEX revocations_until ON revocations (until);
