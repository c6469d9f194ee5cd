-- Before a tenant is known.
CREATE FUNCTION find_sign_in_session(cookie_hash bytea)
    RETURNS TABLE(tenant_id bigint, session_id bigint, last_seen_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT s.tenant_id, s.id, s.last_seen_at FROM sign_in_sessions s
       WHERE s.key_hash = cookie_hash AND s.ended_at IS NULL $$;
REVOKE ALL ON FUNCTION find_sign_in_session FROM public;
GRANT EXECUTE ON FUNCTION find_sign_in_session TO cadence_app;
ALTER FUNCTION find_sign_in_session OWNER TO cadence_lookup;
