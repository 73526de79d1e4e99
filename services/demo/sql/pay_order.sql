-- Purpose: traffic: an open order is paid; none waits for another session. Parameters: none. Returns: nothing.
UPDATE shop.orders SET state = 'paid'
WHERE id = (SELECT id FROM shop.orders WHERE state = 'open' LIMIT 1 FOR UPDATE SKIP LOCKED)
