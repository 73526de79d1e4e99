-- Purpose: traffic: entries are changed and one is deleted. Parameters: none. Returns: nothing.
WITH gone AS (DELETE FROM entry WHERE id = (SELECT 1 + floor(random() * 5000)::int))
UPDATE entry SET item = item || ' *' WHERE id IN (SELECT 5001 + floor(random() * 100)::int FROM generate_series(1, 3))
