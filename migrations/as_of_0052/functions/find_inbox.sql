-- Before a tenant is known.
CREATE FUNCTION find_inbox(inbox_number text) RETURNS TABLE(tenant_id bigint, inbox_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT i.tenant_id, i.id FROM inboxes i WHERE i.number = inbox_number $$;
REVOKE ALL ON FUNCTION find_inbox FROM public;
GRANT EXECUTE ON FUNCTION find_inbox TO cadence_app;
ALTER FUNCTION find_inbox OWNER TO cadence_lookup;
