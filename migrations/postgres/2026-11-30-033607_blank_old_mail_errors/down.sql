-- The words are gone for good, and the schema is the same.
SELECT 1;
