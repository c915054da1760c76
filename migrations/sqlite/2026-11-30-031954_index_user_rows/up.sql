-- expand
-- A user with many rows must not slow anything down: each statement about a user's rows reads only the rows that it needs.
-- Ending a user's sessions and signing in read the sessions that have not ended: at most session.max_per_user.
CREATE INDEX sessions_open ON sessions (user_id, id) WHERE ended_at IS NULL;
-- Whether a user had a session with this user agent from this IP address. The user comes last, so that SQLite never uses it as the
-- index of a user's sessions.
CREATE INDEX sessions_by_origin ON sessions (ip, user_agent, user_id);
-- Links are voided by their kind. A user may have many links of the kinds that don't void older ones.
DROP INDEX one_time_tokens_of_user;
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id, kind);
-- Only a user's waiting mails are ever searched for.
DROP INDEX outbox_of_user;
CREATE INDEX outbox_waiting ON outbox (user_id) WHERE done_at IS NULL;
