-- expand
-- Until now the outbox kept what mail servers said word for word, with the addresses that they quote, after the recipient was
-- erased. Only codes and known words are kept from now on.
UPDATE outbox SET last_error = '' WHERE last_error IS NOT NULL;
