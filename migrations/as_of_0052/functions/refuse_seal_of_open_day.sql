-- A day is over by the clock that counts, UTC. Minutes of grace are the sealer's own matter.
CREATE FUNCTION refuse_seal_of_open_day() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.day >= history_day(clock_timestamp()) THEN
        RAISE EXCEPTION 'the day % is not over: it can''t be sealed', NEW.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
