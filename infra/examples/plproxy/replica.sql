-- At both replicas, where reads go. VOLATILE (the default): each statement sees what was committed before it began, so the
-- second sees what the first has waited for.
CREATE FUNCTION entries_of(i_customer text, i_token text DEFAULT NULL) RETURNS SETOF entry LANGUAGE plpgsql AS $$
BEGIN
    IF i_token IS NOT NULL AND NOT millrace.wait_for(i_token, '2s', '{entry}') THEN
        RAISE EXCEPTION 'this replica does not have it yet' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN QUERY SELECT * FROM entry WHERE customer = i_customer ORDER BY id;
END $$;

CREATE FUNCTION count_entries() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM entry';

CREATE FUNCTION product_name(i_id int) RETURNS text LANGUAGE sql STABLE AS 'SELECT name FROM product WHERE id = i_id';
