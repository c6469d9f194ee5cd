-- A number that is replaced ends. One that was a further number of theirs already only becomes the one
-- texted. Row by row: all rows of a statement held against each other took a time that grew with their
-- square.
CREATE FUNCTION keep_changed_numbers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM contact_numbers further
               WHERE further.contact_id = NEW.id AND further.number = NEW.number AND further.until IS NULL)
    THEN
        RETURN NULL;
    END IF;
    UPDATE contact_numbers n SET until = now()
        WHERE n.contact_id = NEW.id AND n.number = OLD.number AND n.until IS NULL;
    IF NEW.number LIKE '+%' THEN
        INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)
            VALUES (NEW.tenant_id, NEW.id, NEW.number, now(), '');
    END IF;
    RETURN NULL;
END $$;
