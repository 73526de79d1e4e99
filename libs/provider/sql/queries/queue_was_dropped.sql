-- Purpose:    whether there was a queue of that name: dropping it again is no typing error.
-- Parameters: $1 queue. Returns: one row (was). Reads: millrace.audit.
-- One drop command that has not ended is the caller's own; of two the other has dropped the queue a moment ago.
SELECT EXISTS (SELECT FROM millrace.audit a
               WHERE (a.what = 'drop set' AND a.detail ->> 'queue' = $1)
                  OR (a.what IN ('pgqadm drop', 'queue drop') AND a.queue = $1 AND a.outcome = 'done'))
       OR (SELECT count(*) > 1 FROM millrace.audit a
           WHERE a.what IN ('pgqadm drop', 'queue drop') AND a.queue = $1 AND a.outcome IS NULL) AS was
