-- Purpose:    take a sequence out of the set. Parameters: $1 queue, $2 schema, $3 name.
SELECT millrace.remove_sequence($1, $2, $3)
