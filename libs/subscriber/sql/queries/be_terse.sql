-- Purpose:    keeps row values of refused rows out of the server's log, for this session, if its role may. From 15 on.
-- Parameters: none.
SELECT set_config('log_error_verbosity', 'terse', false) WHERE has_parameter_privilege('log_error_verbosity', 'SET')
