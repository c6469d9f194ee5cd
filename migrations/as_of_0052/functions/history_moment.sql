-- The clock, and the moment at which a change is to be recorded: the clock's, or the first instant after the
-- newest seal where the clock stands behind it. The day is held as the writers of the history hold theirs
-- (refuse_sealed_day()), and from before it is known to be open: so no seal closes it until this transaction
-- ends. A status may be newer than the clock, and a change of it comes after that: where the history has
-- rows of a later day, the lock that every sealer takes is held besides.
--
-- VOLATILE, so that each statement sees the seals that were made while the one before it waited.
CREATE FUNCTION history_moment(tenant bigint, OUT clock timestamptz, OUT moment timestamptz)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    LOOP
        clock := clock_timestamp();
        moment := greatest(clock,
            (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM seals WHERE tenant_id = tenant));
        PERFORM pg_advisory_xact_lock_shared(history_day_key(tenant, history_day(moment)));
        IF EXISTS (
            SELECT FROM opt_out_changes WHERE tenant_id = tenant
            AND changed_at >= (history_day(moment) + 1)::timestamp AT TIME ZONE 'UTC'
        ) THEN
            PERFORM pg_advisory_xact_lock_shared(history_day_key(tenant, NULL));
        END IF;
        EXIT WHEN NOT EXISTS (SELECT FROM seals WHERE tenant_id = tenant AND day >= history_day(moment));
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION history_moment FROM public;
GRANT EXECUTE ON FUNCTION history_moment TO cadence_app;
