-- expand
-- Until now the outbox kept the messages of mail servers word for word, including email addresses, after the recipient was erased.
-- From now on it keeps only codes and known words.
UPDATE outbox SET last_error = '' WHERE last_error IS NOT NULL;
