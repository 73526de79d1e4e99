-- Purpose:    lock for commands that change the same set or queue; held until the session ends. Parameters: $1 key.
SELECT pg_advisory_lock(hashtextextended('millrace:admin:' || $1, 7717))
