-- Purpose:    what two sides are compared by: per table the rows and the sum of a 64-bit hash of each row's text, and the
--             sequence's state. Under pinned settings equal texts are equal values.
-- Parameters: none. Returns: rows (name, rows, sum), all text.
SELECT 'public.entry' AS name, count(*)::text AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS sum FROM public.entry t
UNION ALL SELECT 'shop.customer', count(*)::text, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM shop.customer t
UNION ALL SELECT 'shop.product', count(*)::text, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM shop.product t
UNION ALL SELECT 'shop.orders', count(*)::text, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM shop.orders t
UNION ALL SELECT 'shop.order_item', count(*)::text, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM shop.order_item t
UNION ALL SELECT 'public.entry_id_seq', last_value::text, is_called::text FROM public.entry_id_seq
