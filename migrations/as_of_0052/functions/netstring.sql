-- A part of the row digest of docs/proof.md.
CREATE FUNCTION netstring(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value || ',', '-,') $$;
