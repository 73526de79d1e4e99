-- Purpose:    the first line of `pgqadm status`. Parameters: none. Returns: one row (server, pgq).
SELECT current_setting('server_version') AS server, pgq.version() AS pgq
