-- A bar that came with a number goes with it.
CREATE FUNCTION unbar_left_numbers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM blocks b USING was JOIN became USING (id)
        WHERE was.until IS NULL AND became.until IS NOT NULL AND b.contact_id = became.contact_id
          AND b.number = became.number AND b.scope <> 'carrier_number';
    RETURN NULL;
END $$;
