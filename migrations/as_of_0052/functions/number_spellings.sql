-- A number of Mexico was kept with the 1 before it that it has lost since.
CREATE FUNCTION number_spellings(number text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE AS $$
    SELECT number
    UNION ALL SELECT '+521' || substr(number, 4) WHERE number ~ '^\+52[0-9]{10}$'
$$;
