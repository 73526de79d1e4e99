-- Purpose:    how long statements of this session wait for a lock; empty-handed after that. Parameters: $1 `500ms`.
SELECT set_config('lock_timeout', $1, false)
