-- The tenants where a token or a schedule asks for a look: what belongs to somebody who is no admin any more
-- and is not noted so, is to be told of again or is over; what is noted so and is not; a token before it
-- ends.
CREATE FUNCTION tenants_with_standing_due() RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT t.tenant_id FROM api_tokens t JOIN users u ON u.tenant_id = t.tenant_id AND u.id = t.owner_id
    WHERE t.revoked_at IS NULL AND (
        t.next_notice_at <= now()
        OR CASE WHEN u.active AND u.role = 'admin' AND u.invited_at IS NULL THEN t.gone_at IS NOT NULL
           ELSE t.expires_at > now() AND (t.gone_at IS NULL OR t.remind_at <= now()) END
    )
    UNION
    SELECT s.tenant_id FROM export_schedules s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.owner_id
    WHERE s.deleted_at IS NULL
      AND CASE WHEN u.active AND u.role = 'admin' AND u.invited_at IS NULL THEN s.gone_at IS NOT NULL
          ELSE s.gone_at IS NULL OR s.remind_at <= now() END
$$;
REVOKE ALL ON FUNCTION tenants_with_standing_due FROM public;
GRANT EXECUTE ON FUNCTION tenants_with_standing_due TO cadence_app;
ALTER FUNCTION tenants_with_standing_due OWNER TO cadence_lookup;
