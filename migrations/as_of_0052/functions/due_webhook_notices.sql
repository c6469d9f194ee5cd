-- Endpoints that were turned off without a word to the admins yet.
-- (Who has some is found in the index, one tenant after the other: migrations/due.py.)
CREATE FUNCTION due_webhook_notices(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.off_at IS NOT NULL AND w.off_told_at IS NULL AND w.deleted_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.off_at IS NOT NULL AND w.off_told_at IS NULL AND w.deleted_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_endpoints w
        WHERE w.tenant_id = h.tenant_id AND w.off_at IS NOT NULL AND w.off_told_at IS NULL AND w.deleted_at IS NULL AND true ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_webhook_notices FROM public;
GRANT EXECUTE ON FUNCTION due_webhook_notices TO cadence_app;
ALTER FUNCTION due_webhook_notices OWNER TO cadence_lookup;
