-- By which a number's stop is told again after whoever had the number is gone. The key is the application's
-- and not in the database (cadence_app/number_key.py).
CREATE FUNCTION number_digest(tenant bigint, number text) RETURNS bytea
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    key bytea := decode(coalesce(current_setting('cadence.number_key', true), ''), 'hex');
BEGIN
    IF length(key) < 32 THEN
        RAISE EXCEPTION 'no key is set to tell an erased number' USING ERRCODE = 'config_file_error';
    END IF;
    RETURN sha256(key || sha256(key || convert_to(tenant || ' ' || number, 'UTF8')));
END $$;
