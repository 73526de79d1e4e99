-- pgq.quote_fqname(name)
-- Purpose:    quotes schema.table; the first dot splits, a name without a dot is in public.
-- Parameters: i_name - a name without quotes.
-- Returns:    both parts as identifiers.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.quote_fqname(i_name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN position('.' IN i_name) > 0
    THEN quote_ident(substr(i_name, 1, position('.' IN i_name) - 1)) || '.'
         || quote_ident(substr(i_name, position('.' IN i_name) + 1))
    ELSE 'public.' || quote_ident(i_name)
END;
