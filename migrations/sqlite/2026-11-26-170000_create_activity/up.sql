-- expand
-- How often something happened, an hour and kind: every node adds what it counted. Nothing in it tells of anybody.
CREATE TABLE activity (
    -- Its beginning.
    hour  INTEGER NOT NULL,
    kind  TEXT    NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (hour, kind)
) STRICT, WITHOUT ROWID;
