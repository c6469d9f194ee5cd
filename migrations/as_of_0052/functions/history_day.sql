-- The day of the history that a moment is in: that of UTC, for every tenant.
CREATE FUNCTION history_day(moment timestamptz) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT (moment AT TIME ZONE 'UTC')::date $$;
