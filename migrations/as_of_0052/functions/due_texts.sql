-- A text is looked after at once when its carrier has asked to be tried again then, and a while after it was
-- written, or handed over, where no worker has said anything since. Texts of campaigns are the campaign's.
-- (Who has some is found in the index, one tenant after the other: migrations/due.py.)
CREATE FUNCTION due_texts(late interval, of_each integer, at_most integer, lost_sight_of interval)
    RETURNS TABLE(tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT due.tenant_id, due.id FROM (SELECT part.tenant_id, part.id, row_number() OVER () AS turn FROM (
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM messages w WHERE w.state = 'queued' AND w.campaign_id IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM messages w WHERE w.state = 'queued' AND w.campaign_id IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM messages w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'queued' AND w.campaign_id IS NULL AND coalesce(w.next_attempt_at, w.created_at) <= now() AND (w.next_attempt_at IS NOT NULL OR w.created_at <= now() - late) ORDER BY coalesce(w.next_attempt_at, w.created_at), w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
) AS part UNION ALL SELECT part.tenant_id, part.id, row_number() OVER () AS turn FROM (
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM messages w WHERE w.state = 'sending' AND w.campaign_id IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM messages w WHERE w.state = 'sending' AND w.campaign_id IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM messages w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'sending' AND w.campaign_id IS NULL AND coalesce(w.next_attempt_at, w.sending_since) <= now() AND w.sending_since <= now() - lost_sight_of ORDER BY coalesce(w.next_attempt_at, w.sending_since), w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
) AS part) AS due ORDER BY due.turn LIMIT at_most
$$;
REVOKE ALL ON FUNCTION due_texts FROM public;
GRANT EXECUTE ON FUNCTION due_texts TO cadence_app;
ALTER FUNCTION due_texts OWNER TO cadence_lookup;
