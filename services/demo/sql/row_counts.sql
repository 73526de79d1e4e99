-- Purpose:    the rows of the demo's tables as one side has them now. Parameters: none. Returns: rows (name, rows text).
SELECT 'public.entry' AS name, count(*)::text AS rows FROM public.entry
UNION ALL SELECT 'shop.customer', count(*)::text FROM shop.customer
UNION ALL SELECT 'shop.product', count(*)::text FROM shop.product
UNION ALL SELECT 'shop.orders', count(*)::text FROM shop.orders
UNION ALL SELECT 'shop.order_item', count(*)::text FROM shop.order_item
