-- Fails while keys of two algorithms sign: the previous version allows one.
DROP INDEX signing_keys_next;
DROP INDEX signing_keys_active;
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';
