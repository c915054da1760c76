-- expand
-- A session records how it was proved. A version that does not know these columns leaves them out: its sessions were proved once,
-- by a password, when they began. No row is rewritten, so this takes no longer on a large table.
-- When its user last proved who they are; NULL: created_at.
ALTER TABLE sessions ADD COLUMN authenticated_at INTEGER;
-- How often they proved it: 1 from the sign-in on.
ALTER TABLE sessions ADD COLUMN authentications INTEGER NOT NULL DEFAULT 1;
-- By which methods: words of RFC 8176, separated by spaces.
ALTER TABLE sessions ADD COLUMN amr TEXT    NOT NULL DEFAULT 'pwd';
