-- Users of other tenants can't be seen: it says only whether there is one.
CREATE FUNCTION others_have_domain(mail_domain text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT EXISTS (SELECT FROM users u
         WHERE right(lower(u.email), length(mail_domain) + 1) = '@' || lower(mail_domain)
           AND u.confirmed_at IS NOT NULL AND u.active
           AND u.tenant_id IS DISTINCT FROM
             nullif(current_setting('cadence.tenant_id', true), '')::bigint) $$;
REVOKE ALL ON FUNCTION others_have_domain FROM public;
GRANT EXECUTE ON FUNCTION others_have_domain TO cadence_app;
ALTER FUNCTION others_have_domain OWNER TO cadence_lookup;
