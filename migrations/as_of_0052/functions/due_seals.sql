-- Tenants with a closed day that has no seal.
CREATE FUNCTION due_seals(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT t.id, t.id FROM tenants t WHERE coalesce(
        (SELECT max(s.day) + 1 FROM seals s WHERE s.tenant_id = t.id),
        least(
            history_day((SELECT min(c.changed_at) FROM opt_out_changes c WHERE c.tenant_id = t.id)),
            history_day(t.created_at))
    ) < history_day(clock_timestamp() - late) ORDER BY random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_seals FROM public;
GRANT EXECUTE ON FUNCTION due_seals TO cadence_app;
ALTER FUNCTION due_seals OWNER TO cadence_lookup;
