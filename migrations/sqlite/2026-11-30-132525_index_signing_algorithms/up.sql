-- expand
-- Each algorithm has a key that signs and one that waits; at most one of either, whichever node made it. A version that knows one
-- algorithm alone keeps to that by itself.
DROP INDEX signing_keys_one_active;
DROP INDEX signing_keys_one_next;
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (algorithm) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (algorithm) WHERE state = 'next';
