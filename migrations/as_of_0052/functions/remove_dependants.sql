-- What points to a row that goes: a column that may be empty is emptied, a row that can't be without it goes
-- too. Read from the catalogue, so that a table made later needs no line here.
CREATE FUNCTION remove_dependants(parent regclass, ids bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    link record;
    below bigint[];
BEGIN
    FOR link IN
        SELECT c.conrelid::regclass AS child, a.attname AS name, a.attnotnull AS needed,
            EXISTS (SELECT FROM pg_attribute i
                    WHERE i.attrelid = c.conrelid AND i.attname = 'id' AND NOT i.attisdropped) AS has_id
        FROM pg_constraint c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS keys(own, theirs)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = keys.own
        JOIN pg_attribute p ON p.attrelid = c.confrelid AND p.attnum = keys.theirs AND p.attname = 'id'
        WHERE c.contype = 'f' AND c.confrelid = parent AND c.conrelid <> 'opt_out_changes'::regclass
        ORDER BY 1, 2
    LOOP
        IF NOT link.needed THEN
            EXECUTE format('UPDATE %s SET %I = NULL WHERE %I = ANY ($1)', link.child, link.name, link.name)
                USING ids;
        ELSE
            IF link.has_id THEN
                EXECUTE format('SELECT array_agg(id) FROM %s WHERE %I = ANY ($1)', link.child, link.name)
                    INTO below USING ids;
                IF below IS NOT NULL THEN
                    PERFORM remove_dependants(link.child, below);
                END IF;
            END IF;
            EXECUTE format('DELETE FROM %s WHERE %I = ANY ($1)', link.child, link.name) USING ids;
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION remove_dependants FROM public;
