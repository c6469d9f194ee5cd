-- Tenants that want a run each month and had none in this one, which is of their own zone.
CREATE FUNCTION due_monthly_retention(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT t.id, t.id FROM tenants t WHERE t.retention_monthly
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.state IN ('counting', 'ready', 'waiting', 'removing'))
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.automatic AND r.requested_at >= first_of_month(t.time_zone)) ORDER BY random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_monthly_retention FROM public;
GRANT EXECUTE ON FUNCTION due_monthly_retention TO cadence_app;
ALTER FUNCTION due_monthly_retention OWNER TO cadence_lookup;
