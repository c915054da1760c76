-- contract
-- Seals say in which format their code is computed: 1, without the moment of the seal, or 2, with it. There is no default, so that
-- a node of the previous version can't write a seal of the first format after one of the second: its sealer fails, and the others
-- seal. Pruning goes by verified rows, so no index by time is needed any longer.
ALTER TABLE audit_seals ADD COLUMN format bigint NOT NULL DEFAULT 1;
ALTER TABLE audit_seals ALTER COLUMN format DROP DEFAULT;
DROP INDEX audit_seals_sealed;
