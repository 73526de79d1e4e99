-- Purpose:    whether there was a queue of that name: dropping it again is no slip of the hand.
-- Parameters: $1 queue. Returns: one row (was). Reads: millrace.audit.
SELECT EXISTS (SELECT FROM millrace.audit a
               WHERE (a.what = 'drop set' AND a.detail ->> 'queue' = $1)
                  OR (a.what IN ('pgqadm drop', 'queue drop') AND a.queue = $1 AND a.outcome = 'done')) AS was
