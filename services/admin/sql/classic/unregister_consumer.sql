-- Purpose:    forgets a consumer. Parameters: $1 queue, $2 consumer. Returns: one row (gone): 1, or 0 when there was none.
SELECT pgq.unregister_consumer($1, $2) AS gone
