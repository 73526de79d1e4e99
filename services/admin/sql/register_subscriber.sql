-- Purpose:    make a subscriber known: from a tick made now, or from where it is recorded already.
-- Parameters: $1 queue, $2 name. Returns: one row (tick, fingerprint).
SELECT tick, fingerprint FROM millrace.register_subscriber($1, $2)
