-- expand
-- How often something happened, by hour and kind. Every node adds its counts. No row refers to a user.
CREATE TABLE activity (
    -- Its beginning.
    hour  INTEGER NOT NULL,
    kind  TEXT    NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (hour, kind)
) STRICT, WITHOUT ROWID;
