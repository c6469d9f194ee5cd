-- Texts for a time that has come. Those that are held stay due until somebody decides, so they have turns of
-- their own, not to be before the others.
-- (Who has some is found in the index, one tenant after the other: migrations/due.py.)
CREATE FUNCTION due_later_texts(late interval, of_each integer, at_most integer)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM scheduled_texts w WHERE (w.state = 'waiting' OR w.state = 'held') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM scheduled_texts w WHERE (w.state = 'waiting' OR w.state = 'held') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    (
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM scheduled_texts w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'waiting' AND w.send_at <= now() - late ORDER BY w.send_at, w.id LIMIT of_each
    ) AS first) UNION ALL (
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM scheduled_texts w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'held' AND w.send_at <= now() - late ORDER BY w.send_at, w.id LIMIT of_each
    ) AS first)
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_later_texts FROM public;
GRANT EXECUTE ON FUNCTION due_later_texts TO cadence_app;
ALTER FUNCTION due_later_texts OWNER TO cadence_lookup;
