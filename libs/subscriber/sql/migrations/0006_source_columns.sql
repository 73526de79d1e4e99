-- Which column of the provider fills which of ours, and by what types their rows were synchronised.

CREATE TABLE millrace.source_column (
    queue       text NOT NULL,
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    number      integer NOT NULL,                 -- of the column at the provider: a renaming leaves it alone
    relation    text NOT NULL,                    -- oid of the table there
    name        text NOT NULL,                    -- its name when we last looked
    type        text,                             -- as format_type writes it there; NULL: not told yet
    our_relation text NOT NULL,                   -- the same of ours
    our_number  integer NOT NULL,
    our_type    text NOT NULL,
    former_type text,                             -- of rows from before it was altered there; NULL: none, or compared since
    PRIMARY KEY (queue, schema_name, table_name, number),
    FOREIGN KEY (queue, schema_name, table_name) REFERENCES millrace.subscribed_table ON DELETE CASCADE
);

ALTER TABLE millrace.pending ADD COLUMN source text;  -- numbers and types of the columns; NULL: not told
ALTER TABLE millrace.copy_part ADD COLUMN source text;
