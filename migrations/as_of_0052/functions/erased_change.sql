-- What a row of the history becomes when its person is erased.
CREATE FUNCTION erased_change(c opt_out_changes, why text) RETURNS opt_out_changes
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    c.first_name := '';
    c.last_name := '';
    c.external_id := '';
    c.number := 'erased-' || c.contact_id;
    c.words := '';
    c.reason := 'Erased: ' || why;
    RETURN c;
END $$;
