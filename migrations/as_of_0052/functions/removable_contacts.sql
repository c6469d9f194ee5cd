-- Who may go: nothing was texted, changed or added since, no legal hold, no possible opt out left to decide.
-- Whoever was merged into another contact goes with that one. Nobody who has texted or was changed within a
-- year, whatever it is told.
CREATE FUNCTION removable_contacts(tenant bigint, ids bigint[], before timestamptz)
    RETURNS TABLE(contact_id bigint, last_at timestamptz)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT c.id, greatest(c.created_at, texts.last_at, changes.last_at)
    FROM contacts c
    CROSS JOIN LATERAL (
        SELECT max(last_message_at) AS last_at FROM conversations WHERE contact_id = c.id) AS texts
    CROSS JOIN LATERAL (
        SELECT max(changed_at) AS last_at FROM opt_out_changes WHERE contact_id = c.id) AS changes
    WHERE c.tenant_id = tenant AND c.id = ANY (ids) AND c.merged_into_id IS NULL
      AND greatest(c.created_at, texts.last_at, changes.last_at) < least(before, now() - interval '1 year')
      AND NOT EXISTS (
        SELECT FROM legal_holds h JOIN contacts held ON held.id = h.contact_id
        WHERE c.id IN (held.id, held.merged_into_id))
      AND NOT EXISTS (SELECT FROM possible_opt_outs p WHERE p.contact_id = c.id AND p.decision = 'open')
$$;
