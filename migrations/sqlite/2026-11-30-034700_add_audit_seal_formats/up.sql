-- contract
-- Seals say in which format their code is computed: 1, without the moment of the seal, or 2, with it. The table is rebuilt,
-- because a column without a default can't be added. Pruning goes by verified rows, so no index by time is needed any longer.
DROP INDEX audit_seals_sealed;
ALTER TABLE audit_seals RENAME TO audit_seals_before;
CREATE TABLE audit_seals (
    number    INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
    format    INTEGER NOT NULL,
    previous  BLOB    NOT NULL CHECK (length(previous) = 32),
    count     INTEGER NOT NULL CHECK (count >= 0),
    mac       BLOB    NOT NULL CHECK (length(mac) = 32),
    sealed_at INTEGER NOT NULL
) STRICT;
INSERT INTO audit_seals SELECT number, 1, previous, count, mac, sealed_at FROM audit_seals_before;
DROP TABLE audit_seals_before;
