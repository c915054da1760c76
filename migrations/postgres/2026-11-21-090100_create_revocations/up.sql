-- expand
-- No foreign keys: a revocation outlives what it revoked. recorded_at is the database's clock at the statement, not at the
-- start of the transaction (now()): the less time passes until the commit, the more surely a reader that looks back finds the row.
CREATE TABLE revocations (
    id          uuid        NOT NULL,
    kind        text        NOT NULL COLLATE "C" CHECK (kind IN ('token', 'session', 'user')),
    generation  bigint CHECK (generation >= 0),
    until       timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (id, kind),
    CHECK ((kind = 'user') = (generation IS NOT NULL))
);
CREATE INDEX revocations_recorded ON revocations (recorded_at);
CREATE INDEX revocations_until ON revocations (until);
