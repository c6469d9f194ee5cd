-- Accounts whose carrier is to be asked for texts that it could not post. The gaps are everybody's: no
-- policy is on them.
CREATE FUNCTION due_read_backs(late interval, of_each integer, at_most integer, carriers text[])
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT a.tenant_id, a.id FROM carrier_accounts a
WHERE a.carrier = ANY (carriers)
  AND coalesce(a.read_tried_at, a.created_at - interval '1 hour') < now() - late
  AND (a.read_tried_at IS NULL OR a.read_tried_at < now() - interval '1 hour'
    OR EXISTS (SELECT FROM inbound_gaps g WHERE g.ended_at > a.settled_to))
  AND EXISTS (SELECT FROM inboxes i WHERE i.carrier_account_id = a.id)
ORDER BY row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.id), random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_read_backs FROM public;
GRANT EXECUTE ON FUNCTION due_read_backs TO cadence_app;
ALTER FUNCTION due_read_backs OWNER TO cadence_lookup;
