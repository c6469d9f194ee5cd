-- Runs that nobody has moved on, and those whose day of removal has come.
-- (Who has some is found in the index, one tenant after the other: migrations/due.py.)
CREATE FUNCTION due_retention_runs(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM retention_runs w WHERE w.state IN ('counting', 'ready', 'waiting', 'removing') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM retention_runs w WHERE w.state IN ('counting', 'ready', 'waiting', 'removing') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM retention_runs w
        WHERE w.tenant_id = h.tenant_id AND w.state IN ('counting', 'ready', 'waiting', 'removing') AND ((w.state IN ('counting', 'removing') OR w.state = 'ready' AND w.automatic)
            AND w.touched_at <= now() - late OR w.state = 'waiting' AND w.remove_at <= now()) ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_retention_runs FROM public;
GRANT EXECUTE ON FUNCTION due_retention_runs TO cadence_app;
ALTER FUNCTION due_retention_runs OWNER TO cadence_lookup;
