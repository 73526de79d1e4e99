-- millrace.tick_fingerprint(system_identifier, queue, tick, tick_time, snapshot)
-- Purpose:    ties a tick to one history: another cluster, queue, time or snapshot gives another fingerprint. It is
--             also the trace id of the batch that ends with the tick.
-- Returns:    32 lower-case hexadecimal digits: the first 16 bytes of the sha256 of the five, joined by |.
-- Tables:     none. Parsed when it is made (SQL-standard body), so that it can be inlined whatever the search path.
CREATE OR REPLACE FUNCTION millrace.tick_fingerprint(
    i_system_identifier text, i_queue text, i_tick bigint, i_tick_time timestamptz, i_snapshot txid_snapshot) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN encode(substring(sha256(convert_to(
    i_system_identifier || '|' || i_tick::text || '|' || ((extract(epoch FROM i_tick_time) * 1000000)::bigint)::text
    || '|' || i_snapshot::text || '|' || i_queue, 'UTF8')) FROM 1 FOR 16), 'hex');
