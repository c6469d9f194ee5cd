-- A part of three letters or more is found by the threes in it: every row that has them all, of which the
-- query then keeps those that have them in a row. (pg_trgm does the like, but is not in every PostgreSQL:
-- the embedded one comes without it.)
CREATE FUNCTION threes(whole text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT ARRAY(SELECT DISTINCT substr(whole, n, 3) FROM generate_series(1, length(whole) - 2) AS n) $$;
