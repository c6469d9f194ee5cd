-- What the role of look-ups may read, of every tenant: the columns that its functions name, and nothing
-- else. They come before a tenant is known, or find what is due whoever's it is (functions/find_*.sql,
-- functions/due_*.sql).

GRANT SELECT (id, tenant_id, key, expires_at, revoked_at, owner_id, gone_at, remind_at, next_notice_at)
    ON api_tokens TO cadence_lookup;
CREATE POLICY lookup ON api_tokens FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, wake_at) ON campaigns TO cadence_lookup;
CREATE POLICY lookup ON campaigns FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, carrier, key, created_at, settled_to, read_tried_at)
    ON carrier_accounts TO cadence_lookup;
CREATE POLICY lookup ON carrier_accounts FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, next_attempt_at) ON carrier_events TO cadence_lookup;
CREATE POLICY lookup ON carrier_events FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, due_at) ON discarded_files TO cadence_lookup;
CREATE POLICY lookup ON discarded_files FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (export_id, tenant_id, tell_at) ON export_deliveries TO cadence_lookup;
CREATE POLICY lookup ON export_deliveries FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, owner_id, next_run_at, paused_at, deleted_at, gone_at, remind_at)
    ON export_schedules TO cadence_lookup;
CREATE POLICY lookup ON export_schedules FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, state, file_key, next_attempt_at, expires_at) ON exports TO cadence_lookup;
CREATE POLICY lookup ON exports FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (token_id, tenant_id, created_at) ON idempotency_keys TO cadence_lookup;
CREATE POLICY lookup ON idempotency_keys FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (import_id, tenant_id) ON import_contacts TO cadence_lookup;
CREATE POLICY lookup ON import_contacts FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, file_key, state, touched_at, finished_at, expires_at, result_key)
    ON imports TO cadence_lookup;
CREATE POLICY lookup ON imports FOR SELECT TO cadence_lookup USING (true);

-- It is everybody's: no policy is on it.
GRANT SELECT (ended_at) ON inbound_gaps TO cadence_lookup;

GRANT SELECT (id, tenant_id, number, carrier_account_id) ON inboxes TO cadence_lookup;
CREATE POLICY lookup ON inboxes FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, next_attempt_at) ON message_media TO cadence_lookup;
CREATE POLICY lookup ON message_media FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, state, created_at, campaign_id, sending_since, next_attempt_at)
    ON messages TO cadence_lookup;
CREATE POLICY lookup ON messages FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, enabled, cursor, digest_at) ON notification_rules TO cadence_lookup;
CREATE POLICY lookup ON notification_rules FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, changed_at, first_name, last_name, external_id, number)
    ON opt_out_changes TO cadence_lookup;
CREATE POLICY lookup ON opt_out_changes FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, useless_after, next_attempt_at) ON outgoing_mails TO cadence_lookup;
CREATE POLICY lookup ON outgoing_mails FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, state, automatic, requested_at, touched_at, remove_at)
    ON retention_runs TO cadence_lookup;
CREATE POLICY lookup ON retention_runs FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, send_at, state) ON scheduled_texts TO cadence_lookup;
CREATE POLICY lookup ON scheduled_texts FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, state, touched_at) ON seal_checks TO cadence_lookup;
CREATE POLICY lookup ON seal_checks FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (tenant_id, day) ON seals TO cadence_lookup;
CREATE POLICY lookup ON seals FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, key_hash, last_seen_at, ended_at) ON sign_in_sessions TO cadence_lookup;
CREATE POLICY lookup ON sign_in_sessions FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (domain, tenant_id) ON single_sign_on_domains TO cadence_lookup;
CREATE POLICY lookup ON single_sign_on_domains FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, time_zone, keyword_policy, keyword_policy_from, created_at, suspended_at,
        retention_monthly, keyword_policy_told)
    ON tenants TO cadence_lookup;
CREATE POLICY lookup ON tenants FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, decision, decided_at) ON unread_posts TO cadence_lookup;
CREATE POLICY lookup ON unread_posts FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, email, role, active, invited_at, confirmed_at) ON users TO cadence_lookup;
CREATE POLICY lookup ON users FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, endpoint_id, contact_id, state, next_attempt_at, finished_at)
    ON webhook_deliveries TO cadence_lookup;
CREATE POLICY lookup ON webhook_deliveries FOR SELECT TO cadence_lookup USING (true);

GRANT SELECT (id, tenant_id, cursor, paused_at, off_at, off_told_at, deleted_at, quiet_until)
    ON webhook_endpoints TO cadence_lookup;
CREATE POLICY lookup ON webhook_endpoints FOR SELECT TO cadence_lookup USING (true);
