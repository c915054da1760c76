-- expand
-- The nodes that serve this database. A contracting migration waits until every live node knows it.
CREATE TABLE nodes (
    id         uuid        NOT NULL PRIMARY KEY,
    version    text        NOT NULL,
    -- The stamps of the migrations that it knows, the newest first.
    knows      text        NOT NULL COLLATE "C",
    -- The database's clock, as is seen_at.
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);
