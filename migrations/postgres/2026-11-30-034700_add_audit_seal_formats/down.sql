-- Seals of the second format do not verify in the version before.
CREATE INDEX audit_seals_sealed ON audit_seals (sealed_at);
ALTER TABLE audit_seals DROP COLUMN format;
DELETE FROM settings WHERE name = 'audit_head';
