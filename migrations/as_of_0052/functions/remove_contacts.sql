-- The one way to delete contacts; the application's role deletes no contact and no text itself.
CREATE FUNCTION remove_contacts(ids bigint[], before timestamptz, by_user bigint, by_name text, why text)
    RETURNS SETOF bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    named bigint[];
    gone bigint[];
    changes bigint[];
BEGIN
    -- In the order of their ids, as every writer of consent takes them; who waits for one sees it is gone.
    PERFORM FROM contacts WHERE tenant_id = tenant AND id = ANY (ids) ORDER BY id FOR UPDATE;
    named := ARRAY(SELECT contact_id FROM removable_contacts(tenant, ids, before) ORDER BY 1);
    gone := named || ARRAY(SELECT id FROM contacts WHERE merged_into_id = ANY (named) ORDER BY id);
    DELETE FROM consents WHERE contact_id = ANY (gone);
    changes := ARRAY(SELECT id FROM opt_out_changes WHERE contact_id = ANY (gone) ORDER BY id);
    PERFORM remove_dependants('opt_out_changes', changes);
    PERFORM purge_changes(changes, by_user, by_name, why);
    PERFORM remove_dependants('contacts', gone);
    DELETE FROM contacts WHERE id = ANY (gone);
    RETURN QUERY SELECT unnest(named);
END $$;
REVOKE ALL ON FUNCTION remove_contacts FROM public;
GRANT EXECUTE ON FUNCTION remove_contacts TO cadence_app;
