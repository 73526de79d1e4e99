-- Purpose: traffic: an order with up to five items. Parameters: none. Returns: nothing.
WITH placed AS (
    INSERT INTO shop.orders (customer_id) VALUES (1 + floor(random() * 2000)::int) RETURNING id
)
INSERT INTO shop.order_item (order_id, line, product_id, quantity)
SELECT placed.id, line, 1 + floor(random() * 300)::int, 1 + floor(random() * 9)::int
FROM placed, generate_series(1, 1 + floor(random() * 5)::int) line
