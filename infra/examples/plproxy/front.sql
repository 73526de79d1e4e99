-- At the front, which holds no rows. psql variables p0, p1, r0, r1: where the partitions and their replicas are, as libpq
-- connection strings without user and password.
CREATE SERVER shop FOREIGN DATA WRAPPER plproxy OPTIONS (p0 :'p0', p1 :'p1');
CREATE SERVER shop_replicas FOREIGN DATA WRAPPER plproxy OPTIONS (p0 :'r0', p1 :'r1');
CREATE USER MAPPING FOR PUBLIC SERVER shop;
CREATE USER MAPPING FOR PUBLIC SERVER shop_replicas;

-- Writes: the customer's partition.
CREATE FUNCTION add_entry(i_customer text, i_id bigint, i_item text) RETURNS text LANGUAGE plproxy AS $$
    CLUSTER 'shop';
    RUN ON hashtext(i_customer);
$$;

-- Reads: that partition's replica, which waits for the token.
CREATE FUNCTION entries_of(i_customer text, i_token text, OUT customer text, OUT id bigint, OUT item text)
RETURNS SETOF record LANGUAGE plproxy AS $$
    CLUSTER 'shop_replicas';
    RUN ON hashtext(i_customer);
$$;

-- One number from every replica.
CREATE FUNCTION count_entries() RETURNS SETOF bigint LANGUAGE plproxy AS $$
    CLUSTER 'shop_replicas';
    RUN ON ALL;
$$;

-- What every replica has may be asked of any.
CREATE FUNCTION product_name(i_id int) RETURNS text LANGUAGE plproxy AS $$
    CLUSTER 'shop_replicas';
    RUN ON ANY;
$$;
