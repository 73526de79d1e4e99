-- Purpose:    fails (42501) unless this role may switch foreign keys and triggers off; lasts for this statement only.
-- Parameters: none.
SELECT set_config('session_replication_role', 'replica', true)
