-- Where the rows of each table and partition were when we last looked, and the types of their columns (millrace.table_storage).
ALTER TABLE millrace.set_table ADD COLUMN storage jsonb;
