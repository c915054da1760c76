-- contract
-- Seals say in which format their code is computed: 1, without the moment of the seal, or 2, with it. There is no default, so that
-- a node of the version before can't make a seal of the first format after one of the second: its sealer fails, and the others
-- seal. What is pruned goes by rows that were verified, so no index finds seals by a moment any more.
ALTER TABLE audit_seals ADD COLUMN format bigint NOT NULL DEFAULT 1;
ALTER TABLE audit_seals ALTER COLUMN format DROP DEFAULT;
DROP INDEX audit_seals_sealed;
