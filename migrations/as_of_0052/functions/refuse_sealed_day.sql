-- A writer holds its row's day shared until it commits; who seals a day takes it alone (consent/seals.py).
-- So no seal misses a row that is on its way, and the changes of today never wait for one. Days before
-- yesterday share one lock: history being loaded would fill the lock table otherwise. The check runs after
-- the lock was had, with a snapshot of its own, which only READ COMMITTED gives.
CREATE FUNCTION refuse_sealed_day() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    refused record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the history is written in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(changed_at) AS day FROM added) AS days
    ) AS held;
    SELECT oldest.changed_at, sealed.day INTO refused
        FROM (SELECT tenant_id, min(changed_at) AS changed_at FROM added GROUP BY tenant_id) AS oldest
        CROSS JOIN LATERAL (SELECT max(day) AS day FROM seals WHERE tenant_id = oldest.tenant_id) AS sealed
        WHERE history_day(oldest.changed_at) <= sealed.day
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a change at % is refused: the history is sealed up to %',
            to_char(refused.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), refused.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
