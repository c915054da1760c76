-- expand
-- Each algorithm has at most one key that signs and at most one that waits, whichever node created it. A version that knows only one
-- algorithm has no more of them, either.
DROP INDEX signing_keys_one_active;
DROP INDEX signing_keys_one_next;
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (algorithm) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (algorithm) WHERE state = 'next';
