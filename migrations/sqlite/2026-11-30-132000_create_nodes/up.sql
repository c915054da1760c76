-- expand
-- The nodes that serve this database. It stays empty here: one process serves a file, and its lock says so.
CREATE TABLE nodes (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    version    TEXT    NOT NULL,
    knows      TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
