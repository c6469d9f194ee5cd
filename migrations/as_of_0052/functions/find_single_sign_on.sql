-- Before a tenant is known.
CREATE FUNCTION find_single_sign_on(mail_domain text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT d.tenant_id FROM single_sign_on_domains d WHERE d.domain = lower(mail_domain) $$;
REVOKE ALL ON FUNCTION find_single_sign_on FROM public;
GRANT EXECUTE ON FUNCTION find_single_sign_on TO cadence_app;
ALTER FUNCTION find_single_sign_on OWNER TO cadence_lookup;
