-- Each transaction that is about to write history first takes a shared advisory lock whose two keys tell the
-- last id given out before its own, and holds it to its end: 1000 and the id's high bits (the pairs below
-- 1000 are for other uses), and its 31 low bits.
CREATE FUNCTION announce_history() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    newest bigint;
BEGIN
    IF coalesce(current_setting('cadence.history_announced', true), '') = '' THEN
        newest := last_change_id_given();
        PERFORM pg_advisory_xact_lock_shared(1000 + (newest >> 31)::int, (newest & 2147483647)::int);
        PERFORM set_config('cadence.history_announced', 'yes', true);
    END IF;
    RETURN NULL;
END $$;
