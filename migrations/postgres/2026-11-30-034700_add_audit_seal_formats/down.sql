-- The previous version can't verify seals of the second format.
CREATE INDEX audit_seals_sealed ON audit_seals (sealed_at);
ALTER TABLE audit_seals DROP COLUMN format;
DELETE FROM settings WHERE name = 'audit_head';
