-- expand
-- What one user has must not slow anything down: each statement about a user's rows reads the rows that it needs and no others.
-- A cut and a sign-in look at sessions that have not ended: at most session.max_per_user.
CREATE INDEX sessions_open ON sessions (user_id, id) WHERE ended_at IS NULL;
-- Whether a user had a session with this client from this address. The user comes last, so that SQLite never takes it for the index of
-- a user's sessions.
CREATE INDEX sessions_by_origin ON sessions (ip, user_agent, user_id);
-- Links are voided by their kind; a user may have many of the kinds that void no older ones.
DROP INDEX one_time_tokens_of_user;
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id, kind);
-- Of a user's mails only those that wait are ever looked for.
DROP INDEX outbox_of_user;
CREATE INDEX outbox_waiting ON outbox (user_id) WHERE done_at IS NULL;
