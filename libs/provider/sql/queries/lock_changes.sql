-- Purpose:    only one command changes a set at a time. Held until the session ends. Parameters: $1 key.
SELECT pg_advisory_lock(hashtextextended('millrace:admin:' || $1, 7717))
