DELETE FROM guards WHERE name IN ('audit_sealer', 'audit_pruner');
DROP TABLE audit_seals;
DROP TABLE audit_events;
DROP TABLE outbox;
DROP TABLE api_keys;

DELETE FROM one_time_tokens WHERE kind IN ('email_change', 'report');
ALTER TABLE one_time_tokens DROP COLUMN name;
ALTER TABLE one_time_tokens DROP COLUMN password_hash;
ALTER TABLE one_time_tokens DROP COLUMN email;
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_kind_check;
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_kind_check
    CHECK (kind IN ('setup', 'password_reset', 'email_verification'));

UPDATE sessions SET end_reason = 'revoked' WHERE end_reason IN ('email_changed', 'locked_out', 'reported');
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_check CHECK (end_reason IN ('logout', 'logout_all', 'ended_by_user',
    'ended_by_admin', 'reuse', 'displaced', 'password_changed', 'user_disabled', 'revoked'));

DROP INDEX users_by_domain;
ALTER TABLE users DROP COLUMN email_domain;
DROP INDEX users_by_name;
ALTER TABLE users DROP COLUMN password_changed_at;
ALTER TABLE users DROP COLUMN devices_from;
