-- Purpose: traffic: a paid order is deleted, and its items by the foreign key. Parameters: none. Returns: nothing.
DELETE FROM shop.orders
WHERE id = (SELECT id FROM shop.orders WHERE state = 'paid' LIMIT 1 FOR UPDATE SKIP LOCKED)
