-- Before a tenant is known. Of a deactivated user, or one who was only asked, an address finds nobody.
CREATE FUNCTION find_sign_in(sign_in_email text) RETURNS TABLE(tenant_id bigint, user_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT u.tenant_id, u.id FROM users u
       WHERE lower(u.email) = lower(sign_in_email) AND u.confirmed_at IS NOT NULL AND u.active $$;
REVOKE ALL ON FUNCTION find_sign_in FROM public;
GRANT EXECUTE ON FUNCTION find_sign_in TO cadence_app;
ALTER FUNCTION find_sign_in OWNER TO cadence_lookup;
