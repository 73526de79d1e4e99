-- Purpose:    check `position`: this database follows the queue under the name it has in the configuration.
-- Parameters: $1 queue, $2 subscriber.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.position.
SELECT 'error' AS level, $2::text AS object, 'has no position: it was never registered, or the row was lost' AS message, 'millrace install' AS fix
WHERE NOT EXISTS (SELECT FROM millrace.position p WHERE p.queue = $1)
UNION ALL
SELECT 'error', $2::text, format('its database follows the queue as subscriber %s: correct the url or the name in the configuration', p.subscriber), NULL
FROM millrace.position p WHERE p.queue = $1 AND p.subscriber <> $2
