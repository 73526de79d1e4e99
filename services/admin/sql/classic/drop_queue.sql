-- Purpose:    removes a queue and its consumers. Parameters: $1 queue. Returns: one row.
SELECT pgq.drop_queue($1, true) AS gone
