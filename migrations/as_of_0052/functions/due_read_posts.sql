-- Posts that an admin has read long ago.
-- (Who has some is found in the index, one tenant after the other: migrations/due.py.)
CREATE FUNCTION due_read_posts(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM unread_posts w WHERE w.decision <> 'open' ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM unread_posts w WHERE w.decision <> 'open' AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM unread_posts w
        WHERE w.tenant_id = h.tenant_id AND w.decision <> 'open' AND w.decided_at <= now() - late ORDER BY w.decided_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_read_posts FROM public;
GRANT EXECUTE ON FUNCTION due_read_posts TO cadence_app;
ALTER FUNCTION due_read_posts OWNER TO cadence_lookup;
