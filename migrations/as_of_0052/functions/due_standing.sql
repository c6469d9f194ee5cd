-- The tenants of tenants_with_standing_due(), as the sweeps ask.
CREATE FUNCTION due_standing(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT t, t FROM tenants_with_standing_due() t ORDER BY random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_standing FROM public;
GRANT EXECUTE ON FUNCTION due_standing TO cadence_app;
ALTER FUNCTION due_standing OWNER TO cadence_lookup;
