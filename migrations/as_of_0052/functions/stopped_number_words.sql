-- What is said of a stop to who has the number now: neither who said it nor the words.
CREATE FUNCTION stopped_number_words(said_at timestamptz, tenant bigint) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT 'An earlier holder of this number texted STOP on '
        || to_char(said_at AT TIME ZONE t.time_zone, 'FMMonth FMDD, YYYY') || '.'
    FROM tenants t WHERE t.id = tenant
$$;
