-- millrace.force_tick(queue)
-- Purpose:    makes a tick now, due or not. All that was committed before the call is in a batch that ends with this
--             tick or an earlier one.
-- Returns:    one row, as millrace.tick. Errors: as millrace.tick.
-- Tables:     as millrace.tick.
CREATE OR REPLACE FUNCTION millrace.force_tick(
    IN i_queue text, OUT tick bigint, OUT fingerprint text, OUT tick_time timestamptz, OUT new_events bigint)
RETURNS SETOF record ROWS 1
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM millrace.lock_ticks(i_queue);
    RETURN QUERY SELECT * FROM millrace.make_tick(i_queue, NULL, true);
END $$;
