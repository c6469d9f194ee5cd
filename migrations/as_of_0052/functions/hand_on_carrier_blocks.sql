-- A carrier knows numbers and not people: its block is shown to whoever has the number next. The row of who
-- had it before stays, to be handed on.
CREATE FUNCTION hand_on_carrier_blocks() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM blocks WHERE scope = 'carrier_number' AND number <> ''
               AND tenant_id = (SELECT tenant_id FROM added LIMIT 1)) THEN
        INSERT INTO blocks (tenant_id, contact_id, scope, inbox_id, number, since)
            SELECT added.tenant_id, added.contact_id, b.scope, b.inbox_id, added.number, min(b.since)
            FROM added CROSS JOIN LATERAL number_spellings(added.number) AS spelled(number)
            JOIN blocks b ON b.tenant_id = added.tenant_id AND b.number = spelled.number
              AND b.scope = 'carrier_number' AND b.number <> ''
            WHERE added.until IS NULL
            GROUP BY added.tenant_id, added.contact_id, b.scope, b.inbox_id, added.number
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
