-- Purpose:    take a table out of the set and drop its capture triggers. Parameters: $1 queue, $2 schema, $3 name.
SELECT millrace.remove_table($1, $2, $3)
