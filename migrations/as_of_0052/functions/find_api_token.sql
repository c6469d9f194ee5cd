-- Before a tenant is known.
CREATE FUNCTION find_api_token(token_key text) RETURNS TABLE(tenant_id bigint, token_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT t.tenant_id, t.id FROM api_tokens t WHERE t.key = token_key $$;
REVOKE ALL ON FUNCTION find_api_token FROM public;
GRANT EXECUTE ON FUNCTION find_api_token TO cadence_app;
ALTER FUNCTION find_api_token OWNER TO cadence_lookup;
