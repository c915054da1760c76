DROP INDEX outbox_waiting;
CREATE INDEX outbox_of_user ON outbox (user_id, id) WHERE user_id IS NOT NULL;
DROP INDEX one_time_tokens_of_user;
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id);
DROP INDEX sessions_by_origin;
DROP INDEX sessions_open;
