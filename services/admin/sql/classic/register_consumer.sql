-- Purpose:    registers a consumer at the newest tick. Parameters: $1 queue, $2 consumer. Returns: one row (made): 1, or 0.
SELECT pgq.register_consumer($1, $2) AS made
