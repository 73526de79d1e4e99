-- Purpose:    makes a queue of PgQ. Parameters: $1 queue. Returns: one row (made): 1, or 0 when it was there.
SELECT pgq.create_queue($1) AS made
