-- Purpose:    make the next tick carry a sequence's value although it did not move: a subscriber was added to it.
-- Parameters: $1 queue, $2 schema, $3 name. Writes: millrace.set_sequence.
UPDATE millrace.set_sequence SET last_value = NULL, is_called = NULL
WHERE queue = $1 AND schema_name = $2 AND sequence_name = $3
