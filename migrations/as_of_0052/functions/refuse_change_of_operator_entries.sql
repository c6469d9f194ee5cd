-- The log of operators is append-only.
CREATE FUNCTION refuse_change_of_operator_entries() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'operator_entries is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
