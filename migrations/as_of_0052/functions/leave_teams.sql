-- The application deletes no status itself: this takes them from contacts who are gone, merged or erased.
CREATE FUNCTION leave_teams(ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    left_teams bigint;
BEGIN
    DELETE FROM consents WHERE tenant_id = nullif(current_setting('cadence.tenant_id', true), '')::bigint AND contact_id = ANY (ids);
    GET DIAGNOSTICS left_teams = ROW_COUNT;
    RETURN left_teams;
END $$;
REVOKE ALL ON FUNCTION leave_teams FROM public;
GRANT EXECUTE ON FUNCTION leave_teams TO cadence_app;
