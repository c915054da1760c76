-- expand
-- The nodes that serve this database. It stays empty here: one process serves a file and holds its lock.
CREATE TABLE nodes (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    version    TEXT    NOT NULL,
    knows      TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
