-- Purpose:    whether there was a queue of that name: dropping it again is no slip of the hand.
-- Parameters: $1 queue. Returns: one row (was). Reads: millrace.audit.
SELECT EXISTS (SELECT FROM millrace.audit a
               WHERE a.what IN ('drop set', 'drop queue') AND a.detail ->> 'queue' = $1) AS was
