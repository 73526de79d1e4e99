-- Purpose:    sets one of a queue's parameters. Parameters: $1 queue, $2 name without queue_, $3 value. Returns: one row.
SELECT pgq.set_queue_config($1, $2, $3) AS done
