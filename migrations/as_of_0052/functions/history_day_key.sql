-- The advisory lock on a tenant's day; without a day, the one that all days before yesterday share.
CREATE FUNCTION history_day_key(tenant bigint, day date) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashtextextended(format('history %s %s', tenant, day - date '2000-01-01'), 0) $$;
