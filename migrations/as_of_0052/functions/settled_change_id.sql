-- The highest id up to which nothing can appear in the history any more (announce_history()).
CREATE FUNCTION settled_change_id() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    -- Read first: whoever was given an id up to this one had announced it before, or has ended.
    newest bigint := last_change_id_given();
BEGIN
    RETURN least(newest, (
        SELECT min(((classid::bigint - 1000) << 31) | objid::bigint) FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint >= 1000
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ));
END $$;
