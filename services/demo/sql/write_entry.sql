-- Purpose: traffic: a new entry. Parameters: none. Returns: nothing.
INSERT INTO entry (item) VALUES ('item ' || md5(random()::text))
