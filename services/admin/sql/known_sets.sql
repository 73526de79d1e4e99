-- Purpose:    the queues that have a set here. Returns: rows (queue).
SELECT queue FROM millrace.set ORDER BY queue
