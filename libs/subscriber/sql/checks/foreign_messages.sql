-- Purpose:    check `foreign-messages`: messages on the bus that were set aside in the last hour because they are not signed
--             with our key. Nothing came of them; somebody who may write on the bus, or a host with another key, sends them.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.refused_message.
SELECT 'warning' AS level, m.subject AS object,
       format('%s of the last messages that were set aside, up to sequence %s, %s; see who may write on the bus, and whether all hosts have the same bus.key',
              count(*), max(m.sequence), max(m.reason)) AS message,
       NULL::text AS fix
FROM millrace.refused_message m
WHERE m.queue = $1 AND m.at > now() - interval '1 hour' AND m.reason LIKE 'not signed by us%'
GROUP BY m.subject
ORDER BY m.subject
