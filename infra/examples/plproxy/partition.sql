-- At both partitions, where writes go. The answer is the token of the transaction that wrote.
CREATE FUNCTION add_entry(i_customer text, i_id bigint, i_item text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entry VALUES (i_customer, i_id, i_item);
    RETURN millrace.token();
END $$;
