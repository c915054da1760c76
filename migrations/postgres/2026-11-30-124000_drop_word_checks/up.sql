-- expand
-- The program decides which words are valid. It can read an unknown one, because a newer version that runs beside it may write it; a
-- list in the schema would refuse that write.
ALTER TABLE users DROP CONSTRAINT users_status_check;
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_check;
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_kind_check;
ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_state_check;
ALTER TABLE outbox DROP CONSTRAINT outbox_outcome_check;
ALTER TABLE revocations DROP CONSTRAINT revocations_kind_check;
-- It says which kinds have a generation.
ALTER TABLE revocations DROP CONSTRAINT revocations_check;
