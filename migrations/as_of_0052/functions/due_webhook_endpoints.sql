-- Endpoints that have a change to look at, or something to send: the first that waits for each contact.
-- (Who has some is found in the index, one tenant after the other: migrations/due.py.)
CREATE FUNCTION due_webhook_endpoints(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.paused_at IS NULL AND w.off_at IS NULL AND w.deleted_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.paused_at IS NULL AND w.off_at IS NULL AND w.deleted_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_endpoints w
        WHERE w.tenant_id = h.tenant_id AND w.paused_at IS NULL AND w.off_at IS NULL AND w.deleted_at IS NULL AND coalesce(w.quiet_until <= now(), true) AND (
            EXISTS (SELECT FROM opt_out_changes c WHERE c.tenant_id = w.tenant_id AND c.id > w.cursor)
            OR EXISTS (SELECT FROM webhook_deliveries d
                WHERE d.endpoint_id = w.id AND d.state = 'pending' AND d.next_attempt_at <= now()
                  AND NOT EXISTS (SELECT FROM webhook_deliveries e
                    WHERE e.endpoint_id = d.endpoint_id AND e.contact_id = d.contact_id
                      AND e.state = 'pending' AND e.id < d.id))) ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_webhook_endpoints FROM public;
GRANT EXECUTE ON FUNCTION due_webhook_endpoints TO cadence_app;
ALTER FUNCTION due_webhook_endpoints OWNER TO cadence_lookup;
