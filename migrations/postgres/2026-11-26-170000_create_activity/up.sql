-- expand
-- How often something happened, by hour and kind. Every node adds its counts. No row refers to a user.
CREATE TABLE activity (
    -- Its beginning.
    hour  timestamptz NOT NULL,
    kind  text        NOT NULL COLLATE "C",
    count bigint      NOT NULL CHECK (count > 0),
    PRIMARY KEY (hour, kind)
);
