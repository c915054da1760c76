-- The messages can't be restored, and the schema is the same.
SELECT 1;
