-- expand
-- How often something happened, an hour and kind: every node adds what it counted. Nothing in it tells of anybody.
CREATE TABLE activity (
    -- Its beginning.
    hour  timestamptz NOT NULL,
    kind  text        NOT NULL COLLATE "C",
    count bigint      NOT NULL CHECK (count > 0),
    PRIMARY KEY (hour, kind)
);
