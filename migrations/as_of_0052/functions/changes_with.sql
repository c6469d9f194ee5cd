-- The tenant's own rows only, as it says itself: under a policy that asks for more than `true`, PostgreSQL
-- uses no index for an operator that might tell what others' rows hold.
CREATE FUNCTION changes_with(part text, digits text) RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    SET enable_seqscan = off AS $$
    SELECT id FROM opt_out_changes
    WHERE tenant_id = nullif(current_setting('cadence.tenant_id', true), '')::bigint
      AND (threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number))
             @> threes(lower(part))
           OR length(digits) > 2
             AND threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number))
               @> threes(digits))
$$;
REVOKE ALL ON FUNCTION changes_with FROM public;
GRANT EXECUTE ON FUNCTION changes_with TO cadence_app;
ALTER FUNCTION changes_with OWNER TO cadence_lookup;
