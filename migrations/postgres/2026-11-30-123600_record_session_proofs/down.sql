ALTER TABLE sessions DROP COLUMN amr;
ALTER TABLE sessions DROP COLUMN authentications;
ALTER TABLE sessions DROP COLUMN authenticated_at;
