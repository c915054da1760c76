-- Words of newer versions are replaced by the nearest safe ones.
UPDATE users SET status = 'disabled' WHERE status NOT IN ('active', 'disabled');
UPDATE sessions SET end_reason = 'revoked' WHERE end_reason NOT IN ('logout', 'logout_all', 'ended_by_user', 'ended_by_admin',
    'reuse', 'displaced', 'password_changed', 'user_disabled', 'revoked', 'email_changed', 'locked_out', 'reported');
DELETE FROM one_time_tokens WHERE kind NOT IN ('setup', 'password_reset', 'email_verification', 'email_change', 'report');
UPDATE signing_keys SET state = 'retired' WHERE state NOT IN ('next', 'active', 'retiring', 'retired');
UPDATE outbox SET outcome = 'failed' WHERE outcome NOT IN ('sent', 'dropped', 'failed');
-- A revocation that can't be read revokes everything that could have its id, as in this version.
INSERT INTO revocations (id, kind, generation, until)
SELECT strange.id, hit.kind, hit.generation, max(strange.until)
FROM revocations strange
CROSS JOIN (VALUES ('token', NULL), ('session', NULL), ('user', 9223372036854775807)) AS hit (kind, generation)
WHERE strange.kind NOT IN ('token', 'session', 'user') OR (strange.kind = 'user') <> (strange.generation IS NOT NULL)
GROUP BY strange.id, hit.kind, hit.generation
ON CONFLICT (id, kind) DO UPDATE
SET generation = excluded.generation, until = greatest(revocations.until, excluded.until), recorded_at = clock_timestamp();
DELETE FROM revocations WHERE kind NOT IN ('token', 'session', 'user');

ALTER TABLE users ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'disabled'));
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_check CHECK (end_reason IN ('logout', 'logout_all', 'ended_by_user',
    'ended_by_admin', 'reuse', 'displaced', 'password_changed', 'user_disabled', 'revoked', 'email_changed', 'locked_out',
    'reported'));
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_kind_check
    CHECK (kind IN ('setup', 'password_reset', 'email_verification', 'email_change', 'report'));
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_state_check CHECK (state IN ('next', 'active', 'retiring', 'retired'));
ALTER TABLE outbox ADD CONSTRAINT outbox_outcome_check CHECK (outcome IN ('sent', 'dropped', 'failed'));
ALTER TABLE revocations ADD CONSTRAINT revocations_kind_check CHECK (kind IN ('token', 'session', 'user'));
ALTER TABLE revocations ADD CONSTRAINT revocations_check CHECK ((kind = 'user') = (generation IS NOT NULL));
