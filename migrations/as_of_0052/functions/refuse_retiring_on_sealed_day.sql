-- Retired now, or where the clock stands behind the newest seal, at the first instant after it, as a change
-- is recorded (history_moment()): the seal of that day covers it. The day is held as refuse_sealed_day()
-- holds it.
CREATE FUNCTION refuse_retiring_on_sealed_day() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'rows are retired in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(retired_at) AS day FROM added) AS days
    ) AS held;
    IF EXISTS (
        SELECT FROM added CROSS JOIN LATERAL (
            SELECT max(day) AS day, (max(day) + 1)::timestamp AT TIME ZONE 'UTC' AS over
            FROM seals WHERE seals.tenant_id = added.tenant_id
        ) AS sealed
        WHERE retired_at > greatest(clock_timestamp(), sealed.over) OR history_day(retired_at) <= sealed.day
    ) THEN
        RAISE EXCEPTION 'no row can be retired at another time than now' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
