-- seal: what the function was made for, as its comment; and nobody but its trigger may call it.
COMMENT ON FUNCTION millrace.{{"function"}}() IS {{'mark'}};
REVOKE ALL ON FUNCTION millrace.{{"function"}}() FROM PUBLIC;
