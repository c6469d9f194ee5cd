-- Whoever gets a stopped number, in whatever way, is barred. Each statement of it sees what was committed
-- before it began: a stop that this waited for (number_turn()) is seen.
CREATE FUNCTION bar_stopped_numbers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(held.turn) FROM (
        SELECT DISTINCT number_turn(tenant_id, number) AS turn FROM added WHERE until IS NULL ORDER BY turn
    ) AS held;
    IF EXISTS (SELECT FROM number_stops s JOIN added USING (tenant_id)) THEN
        INSERT INTO blocks (tenant_id, contact_id, scope, team_id, number, since, reason)
            SELECT added.tenant_id, added.contact_id, s.scope, s.team_id, added.number, s.said_at,
                coalesce(nullif(s.reason, ''), stopped_number_words(s.said_at, s.tenant_id))
            FROM added CROSS JOIN LATERAL number_spellings(added.number) AS spelled(number)
            JOIN number_stops s ON s.tenant_id = added.tenant_id
              AND s.digest = number_digest(added.tenant_id, spelled.number)
            WHERE added.until IS NULL
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
