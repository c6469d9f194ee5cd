-- Deliveries that ended long ago, and of an endpoint that is deleted all of them.
-- (Who has some is found in the index, one tenant after the other: migrations/due.py.)
CREATE FUNCTION due_webhook_logs(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
(
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_deliveries w WHERE w.state <> 'pending' ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_deliveries w WHERE w.state <> 'pending' AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_deliveries w
        WHERE w.tenant_id = h.tenant_id AND w.state <> 'pending' AND w.finished_at <= now() - late ORDER BY w.finished_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
) UNION ALL (
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.deleted_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.deleted_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_endpoints w
        WHERE w.tenant_id = h.tenant_id AND w.deleted_at IS NOT NULL AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = w.id) ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
)
$$;
REVOKE ALL ON FUNCTION due_webhook_logs FROM public;
GRANT EXECUTE ON FUNCTION due_webhook_logs TO cadence_app;
ALTER FUNCTION due_webhook_logs OWNER TO cadence_lookup;
