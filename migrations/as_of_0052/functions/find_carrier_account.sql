-- A carrier's post knows no tenant before it is looked up.
CREATE FUNCTION find_carrier_account(account_key text) RETURNS TABLE(tenant_id bigint, account_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT a.tenant_id, a.id FROM carrier_accounts a WHERE a.key = account_key $$;
REVOKE ALL ON FUNCTION find_carrier_account FROM public;
GRANT EXECUTE ON FUNCTION find_carrier_account TO cadence_app;
ALTER FUNCTION find_carrier_account OWNER TO cadence_lookup;
