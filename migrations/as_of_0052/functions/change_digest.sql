-- The row digest of docs/proof.md. consent/seals.py writes the same into its own statements.
CREATE FUNCTION change_digest(c opt_out_changes) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to('cadence-change-1 '
        || netstring(c.id::text) || netstring(c.tenant_id::text) || netstring(c.contact_id::text)
        || netstring(c.team_id::text) || netstring(c.status)
        || netstring(to_char(c.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || netstring(c.source) || netstring(c.user_id::text) || netstring(c.message_id::text)
        || netstring(c.first_name) || netstring(c.last_name) || netstring(c.external_id)
        || netstring(c.number) || netstring(c.team_code) || netstring(c.user_name)
        || netstring(c.words) || netstring(c.reason), 'UTF8'))
$$;
