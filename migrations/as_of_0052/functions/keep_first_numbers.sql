-- A contact's numbers over time are kept whoever writes contacts.number.
CREATE FUNCTION keep_first_numbers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)
        SELECT tenant_id, id, number, now(), '' FROM added WHERE number LIKE '+%';
    RETURN NULL;
END $$;
