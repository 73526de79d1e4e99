-- Purpose: traffic: a product's price moves. Parameters: none. Returns: nothing.
UPDATE shop.product SET price = round((price * (0.9 + random() * 0.2))::numeric, 2) WHERE id = (SELECT 1 + floor(random() * 300)::int)
