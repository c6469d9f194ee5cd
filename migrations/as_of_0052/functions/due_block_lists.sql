-- Accounts whose carrier can be asked for the numbers that it blocks.
CREATE FUNCTION due_block_lists(late interval, of_each integer, at_most integer, carriers text[])
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT a.tenant_id, a.id FROM carrier_accounts a WHERE a.carrier = ANY (carriers)
ORDER BY row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.id), random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_block_lists FROM public;
GRANT EXECUTE ON FUNCTION due_block_lists TO cadence_app;
ALTER FUNCTION due_block_lists OWNER TO cadence_lookup;
