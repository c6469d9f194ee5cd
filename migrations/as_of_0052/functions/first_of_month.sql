-- A zone that PostgreSQL does not know is taken for UTC: whoever begins the run looks again.
CREATE FUNCTION first_of_month(zone text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN date_trunc('month', now(), zone);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN date_trunc('month', now(), 'UTC');
END $$;
REVOKE ALL ON FUNCTION first_of_month FROM public;
GRANT EXECUTE ON FUNCTION first_of_month TO cadence_lookup;
