-- Purpose:    make the set and its queue if they are not there. Parameters: $1 queue.
SELECT millrace.create_set($1)
