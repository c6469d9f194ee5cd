-- The earliest notice is two weeks before the day; whoever sends them knows the tenant's own day.
CREATE FUNCTION due_policy_notices(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT t.id, t.id FROM tenants t WHERE t.keyword_policy = 'organisation' AND t.suspended_at IS NULL
    AND t.keyword_policy_from <= (now() AT TIME ZONE 'UTC')::date + 15
    AND t.keyword_policy_told IS DISTINCT FROM 0 ORDER BY random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_policy_notices FROM public;
GRANT EXECUTE ON FUNCTION due_policy_notices TO cadence_app;
ALTER FUNCTION due_policy_notices OWNER TO cadence_lookup;
