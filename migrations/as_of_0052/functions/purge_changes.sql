-- The one way to delete rows of the history: sealed ones on which no status rests.
CREATE FUNCTION purge_changes(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    at timestamptz := (SELECT moment FROM history_moment(tenant));
    purged bigint[];
BEGIN
    WITH held AS (
        SELECT c FROM opt_out_changes c
        WHERE c.tenant_id = tenant AND c.id = ANY (ids)
          AND history_day(c.changed_at) <= (SELECT max(day) FROM seals WHERE tenant_id = tenant)
          AND NOT EXISTS (SELECT FROM consents WHERE change_id = c.id)
        ORDER BY c.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_changes
            (tenant_id, change_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (c).id, history_day((c).changed_at),
               coalesce((SELECT digest FROM retired_changes WHERE change_id = (c).id), change_digest(c)),
               'purged', at, by_user, by_name, why, NULL
        FROM held RETURNING change_id
    ) SELECT array_agg(change_id) INTO purged FROM added;
    DELETE FROM opt_out_changes WHERE id = ANY (purged);
    RETURN coalesce(cardinality(purged), 0);
END $$;
REVOKE ALL ON FUNCTION purge_changes FROM public;
GRANT EXECUTE ON FUNCTION purge_changes TO cadence_app;
