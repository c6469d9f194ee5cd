-- The one way to empty rows of the history of a person, recorded so that the seals still hold. It and
-- purge_changes() run as the owner: the application can't change the history itself.
CREATE FUNCTION erase_changes(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    at timestamptz := (SELECT moment FROM history_moment(tenant));
    erased bigint[];
BEGIN
    WITH held AS (
        SELECT c FROM opt_out_changes c
        WHERE c.tenant_id = tenant AND c.id = ANY (ids)
          AND NOT EXISTS (SELECT FROM retired_changes r WHERE r.change_id = c.id)
        ORDER BY c.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_changes
            (tenant_id, change_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (c).id, history_day((c).changed_at), change_digest(c), 'erased', at, by_user, by_name,
               why, change_digest(erased_change(c, why))
        FROM held RETURNING change_id
    ) SELECT array_agg(change_id) INTO erased FROM added;
    UPDATE opt_out_changes c SET (first_name, last_name, external_id, number, words, reason)
        = (SELECT e.first_name, e.last_name, e.external_id, e.number, e.words, e.reason
           FROM erased_change(c, why) AS e)
        WHERE c.id = ANY (erased);
    RETURN coalesce(cardinality(erased), 0);
END $$;
REVOKE ALL ON FUNCTION erase_changes FROM public;
GRANT EXECUTE ON FUNCTION erase_changes TO cadence_app;
