-- The previous version can't verify seals of the second format.
ALTER TABLE audit_seals RENAME TO audit_seals_after;
CREATE TABLE audit_seals (
    number    INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
    previous  BLOB    NOT NULL CHECK (length(previous) = 32),
    count     INTEGER NOT NULL CHECK (count >= 0),
    mac       BLOB    NOT NULL CHECK (length(mac) = 32),
    sealed_at INTEGER NOT NULL
) STRICT;
INSERT INTO audit_seals SELECT number, previous, count, mac, sealed_at FROM audit_seals_after;
DROP TABLE audit_seals_after;
CREATE INDEX audit_seals_sealed ON audit_seals (sealed_at);
DELETE FROM settings WHERE name = 'audit_head';
