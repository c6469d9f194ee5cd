-- The schema of the database, as the migrations make it: to read and to compare, not to run.
-- script/schema writes it, and tests/database/test_schema.py holds it to what the migrations make.
-- What is not said to belong to somebody belongs to the owner of the tables, whatever their name is.
-- A bigserial is a bigint that is filled from a sequence of its own.

ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO cadence_backup;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO cadence_backup;

CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
GRANT SELECT ON alembic_version TO cadence_backup;

CREATE TABLE alert_choices (
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    mentions boolean NOT NULL,
    assignments boolean NOT NULL,
    waiting_from timestamp with time zone,
    waiting_next timestamp with time zone,
    CONSTRAINT pk_alert_choices PRIMARY KEY (user_id),
    CONSTRAINT ck_alert_choices_waiting CHECK (((waiting_from IS NULL) = (waiting_next IS NULL))),
    CONSTRAINT fk_alert_choices_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_alert_choices_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_alert_choices_waiting ON alert_choices USING btree (tenant_id, waiting_next);
ALTER TABLE alert_choices ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_choices FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON alert_choices FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON alert_choices FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON alert_choices USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_choices TO cadence_app;
GRANT SELECT ON alert_choices TO cadence_backup;
GRANT SELECT (user_id, tenant_id, waiting_next) ON alert_choices TO cadence_lookup;

CREATE TABLE api_tokens (
    id bigserial,
    tenant_id bigint NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_by_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    revoked_by_id bigint,
    owner_id bigint NOT NULL,
    gone_at timestamp with time zone,
    remind_at timestamp with time zone,
    next_notice_at timestamp with time zone,
    refused_at timestamp with time zone,
    end_reason text NOT NULL DEFAULT ''::text,
    refused_call text NOT NULL DEFAULT ''::text,
    refused_from text NOT NULL DEFAULT ''::text,
    CONSTRAINT pk_api_tokens PRIMARY KEY (id),
    CONSTRAINT uq_api_tokens_key UNIQUE (key),
    CONSTRAINT uq_api_tokens_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_api_tokens_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT api_tokens_owner_id_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_api_tokens_created_by_id FOREIGN KEY (tenant_id, created_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_api_tokens_revoked_by_id FOREIGN KEY (tenant_id, revoked_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_api_tokens_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON api_tokens FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON api_tokens FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON api_tokens USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON api_tokens TO cadence_app;
GRANT SELECT ON api_tokens TO cadence_backup;
GRANT SELECT (id, tenant_id, key, expires_at, revoked_at, owner_id, gone_at, remind_at, next_notice_at) ON api_tokens TO cadence_lookup;
GRANT USAGE ON SEQUENCE api_tokens_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE api_tokens_id_seq TO cadence_backup;

CREATE TABLE assignment_changes (
    id bigserial,
    tenant_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    before_id bigint,
    after_id bigint,
    user_id bigint,
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_assignment_changes PRIMARY KEY (id),
    CONSTRAINT fk_assignment_changes_after_id FOREIGN KEY (tenant_id, after_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_assignment_changes_before_id FOREIGN KEY (tenant_id, before_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_assignment_changes_conversation_id FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations(tenant_id, id),
    CONSTRAINT fk_assignment_changes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_assignment_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_assignment_changes_thread ON assignment_changes USING btree (conversation_id, id);
ALTER TABLE assignment_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE assignment_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON assignment_changes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON assignment_changes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON assignment_changes TO cadence_app;
GRANT SELECT ON assignment_changes TO cadence_backup;
GRANT USAGE ON SEQUENCE assignment_changes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE assignment_changes_id_seq TO cadence_backup;

CREATE TABLE audit_entries (
    id bigserial,
    tenant_id bigint NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT now(),
    user_id bigint,
    user_name text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    changes jsonb NOT NULL,
    CONSTRAINT pk_audit_entries PRIMARY KEY (id),
    CONSTRAINT fk_audit_entries_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_audit_entries_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_audit_entries_order ON audit_entries USING btree (tenant_id, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON audit_entries FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON audit_entries USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT ON audit_entries TO cadence_app;
GRANT SELECT ON audit_entries TO cadence_backup;
GRANT USAGE ON SEQUENCE audit_entries_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE audit_entries_id_seq TO cadence_backup;

CREATE TABLE blocks (
    id bigserial,
    tenant_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    scope text NOT NULL,
    inbox_id bigint,
    since timestamp with time zone NOT NULL DEFAULT now(),
    number text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    team_id bigint,
    CONSTRAINT pk_blocks PRIMARY KEY (id),
    CONSTRAINT uq_blocks_contact_id_scope_inbox_id_number_team_id UNIQUE NULLS NOT DISTINCT (contact_id, scope, inbox_id, number, team_id),
    CONSTRAINT ck_blocks_scope CHECK ((scope = ANY (ARRAY['team'::text, 'personal'::text, 'organisation'::text, 'carrier_number'::text]))),
    CONSTRAINT ck_blocks_team CHECK (((scope = 'team'::text) = (team_id IS NOT NULL))),
    CONSTRAINT fk_blocks_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_blocks_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_blocks_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_blocks_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_blocks_carrier ON blocks USING btree (tenant_id, number) WHERE ((scope = 'carrier_number'::text) AND (number <> ''::text));
ALTER TABLE blocks ENABLE ROW LEVEL SECURITY;
ALTER TABLE blocks FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON blocks FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON blocks USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON blocks TO cadence_app;
GRANT SELECT ON blocks TO cadence_backup;
GRANT USAGE ON SEQUENCE blocks_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE blocks_id_seq TO cadence_backup;

CREATE TABLE campaign_recipients (
    id bigserial,
    campaign_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    contact_id bigint,
    entry text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    zones text NOT NULL,
    message_id bigint,
    sent_at timestamp with time zone,
    answered_at timestamp with time zone,
    CONSTRAINT pk_campaign_recipients PRIMARY KEY (id),
    CONSTRAINT ck_campaign_recipients_reason CHECK (((state = 'left_out'::text) = (reason <> ''::text))),
    CONSTRAINT ck_campaign_recipients_state CHECK ((state = ANY (ARRAY['left_out'::text, 'waiting'::text, 'sending'::text, 'sent'::text, 'delivered'::text, 'failed'::text, 'suppressed'::text, 'cancelled'::text]))),
    CONSTRAINT fk_campaign_recipients_campaign_id FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns(tenant_id, id),
    CONSTRAINT fk_campaign_recipients_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_campaign_recipients_message_id FOREIGN KEY (tenant_id, message_id) REFERENCES messages(tenant_id, id)
);
CREATE INDEX ix_campaign_recipients_answered ON campaign_recipients USING btree (campaign_id, answered_at DESC, id DESC) WHERE (answered_at IS NOT NULL);
CREATE INDEX ix_campaign_recipients_state ON campaign_recipients USING btree (campaign_id, state, reason, id);
CREATE INDEX ix_campaign_recipients_texts ON campaign_recipients USING btree (contact_id, message_id) WHERE (message_id IS NOT NULL);
CREATE INDEX ix_campaign_recipients_waiting ON campaign_recipients USING btree (campaign_id, zones, id) WHERE (state = 'waiting'::text);
CREATE UNIQUE INDEX uq_campaign_recipients_contact ON campaign_recipients USING btree (campaign_id, contact_id) WHERE (state <> 'left_out'::text);
CREATE UNIQUE INDEX uq_campaign_recipients_message ON campaign_recipients USING btree (message_id) WHERE (message_id IS NOT NULL);
ALTER TABLE campaign_recipients ENABLE ROW LEVEL SECURITY;
ALTER TABLE campaign_recipients FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON campaign_recipients FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON campaign_recipients USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON campaign_recipients TO cadence_app;
GRANT SELECT ON campaign_recipients TO cadence_backup;
GRANT USAGE ON SEQUENCE campaign_recipients_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE campaign_recipients_id_seq TO cadence_backup;

CREATE TABLE campaigns (
    id bigserial,
    tenant_id bigint NOT NULL,
    team_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    user_id bigint NOT NULL,
    name text NOT NULL,
    body text NOT NULL,
    segment jsonb NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    send_at timestamp with time zone,
    wake_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    checked jsonb,
    CONSTRAINT pk_campaigns PRIMARY KEY (id),
    CONSTRAINT uq_campaigns_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_campaigns_state CHECK ((state = ANY (ARRAY['draft'::text, 'scheduled'::text, 'missed'::text, 'sending'::text, 'paused'::text, 'cancelled'::text, 'finished'::text]))),
    CONSTRAINT fk_campaigns_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_campaigns_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_campaigns_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_campaigns_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_campaigns_due ON campaigns USING btree (tenant_id, wake_at) WHERE (wake_at IS NOT NULL);
CREATE INDEX ix_campaigns_latest ON campaigns USING btree (tenant_id, id DESC);
ALTER TABLE campaigns ENABLE ROW LEVEL SECURITY;
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON campaigns FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON campaigns FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON campaigns USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON campaigns TO cadence_app;
GRANT SELECT ON campaigns TO cadence_backup;
GRANT SELECT (id, tenant_id, wake_at) ON campaigns TO cadence_lookup;
GRANT USAGE ON SEQUENCE campaigns_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE campaigns_id_seq TO cadence_backup;

CREATE TABLE carrier_accounts (
    id bigserial,
    tenant_id bigint NOT NULL,
    carrier text NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    keyword_answers text NOT NULL,
    settings jsonb NOT NULL,
    secrets text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    self_managed jsonb NOT NULL DEFAULT '[]'::jsonb,
    read_to timestamp with time zone NOT NULL DEFAULT now(),
    settled_to timestamp with time zone NOT NULL DEFAULT now(),
    read_tried_at timestamp with time zone,
    read_problem text NOT NULL DEFAULT ''::text,
    CONSTRAINT pk_carrier_accounts PRIMARY KEY (id),
    CONSTRAINT uq_carrier_accounts_key UNIQUE (key),
    CONSTRAINT uq_carrier_accounts_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_carrier_accounts_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT ck_carrier_accounts_keyword_answers CHECK ((keyword_answers = ANY (ARRAY['ours'::text, 'built_in'::text, 'told'::text]))),
    CONSTRAINT fk_carrier_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE carrier_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE carrier_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON carrier_accounts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON carrier_accounts FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON carrier_accounts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON carrier_accounts TO cadence_app;
GRANT SELECT ON carrier_accounts TO cadence_backup;
GRANT SELECT (id, tenant_id, carrier, key, created_at, settled_to, read_tried_at) ON carrier_accounts TO cadence_lookup;
GRANT USAGE ON SEQUENCE carrier_accounts_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE carrier_accounts_id_seq TO cadence_backup;

CREATE TABLE carrier_events (
    id bigserial,
    tenant_id bigint NOT NULL,
    account_id bigint NOT NULL,
    event_key text NOT NULL,
    content jsonb NOT NULL,
    arrived_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    attempts bigint NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now(),
    problem text NOT NULL,
    CONSTRAINT pk_carrier_events PRIMARY KEY (id),
    CONSTRAINT uq_carrier_events_account_id_event_key UNIQUE (account_id, event_key),
    CONSTRAINT fk_carrier_events_account_id FOREIGN KEY (tenant_id, account_id) REFERENCES carrier_accounts(tenant_id, id),
    CONSTRAINT fk_carrier_events_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_carrier_events_waiting ON carrier_events USING btree (tenant_id, next_attempt_at) WHERE (next_attempt_at IS NOT NULL);
ALTER TABLE carrier_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE carrier_events FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON carrier_events FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON carrier_events FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON carrier_events USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON carrier_events TO cadence_app;
GRANT SELECT ON carrier_events TO cadence_backup;
GRANT SELECT (id, tenant_id, next_attempt_at) ON carrier_events TO cadence_lookup;
GRANT USAGE ON SEQUENCE carrier_events_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE carrier_events_id_seq TO cadence_backup;

CREATE TABLE consent_evidence (
    id bigserial,
    tenant_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    method text NOT NULL,
    way text NOT NULL,
    agreed_on date,
    agreed_at timestamp with time zone,
    words text NOT NULL,
    page_url text NOT NULL,
    sha256 bytea,
    ip text NOT NULL,
    number text NOT NULL,
    collected_by text NOT NULL,
    user_id bigint,
    user_name text NOT NULL,
    origin text NOT NULL,
    CONSTRAINT pk_consent_evidence PRIMARY KEY (id),
    CONSTRAINT ck_consent_evidence_method CHECK ((method = ANY (ARRAY['web_form'::text, 'keyword'::text, 'paper'::text, 'spoken'::text, 'import'::text, 'api'::text, 'other_system'::text]))),
    CONSTRAINT ck_consent_evidence_sha256 CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT ck_consent_evidence_way CHECK ((way = ANY (ARRAY['added'::text, 'opted_in'::text, 'new_text'::text, 'number_change'::text, 'record'::text, 'import'::text, 'api'::text]))),
    CONSTRAINT fk_consent_evidence_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_consent_evidence_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_consent_evidence_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_consent_evidence_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_consent_evidence_contact ON consent_evidence USING btree (contact_id, team_id, recorded_at);
CREATE INDEX ix_consent_evidence_day ON consent_evidence USING btree (tenant_id, recorded_at, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON consent_evidence FOR EACH ROW EXECUTE FUNCTION refuse_change_of_evidence();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON consent_evidence FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_evidence();
CREATE TRIGGER sealed_days AFTER INSERT ON consent_evidence REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_of_sealed_day();
ALTER TABLE consent_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON consent_evidence FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON consent_evidence USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT ON consent_evidence TO cadence_app;
GRANT SELECT ON consent_evidence TO cadence_backup;
GRANT USAGE ON SEQUENCE consent_evidence_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE consent_evidence_id_seq TO cadence_backup;

CREATE TABLE consents (
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    status text NOT NULL,
    since timestamp with time zone NOT NULL,
    change_id bigint NOT NULL,
    stopped_at timestamp with time zone,
    stopped_before timestamp with time zone,
    out_again boolean NOT NULL DEFAULT false,
    lifted jsonb,
    CONSTRAINT pk_consents PRIMARY KEY (contact_id, team_id),
    CONSTRAINT ck_consents_status CHECK ((status = ANY (ARRAY['opted_in'::text, 'opted_out'::text]))),
    CONSTRAINT fk_consents_change_id FOREIGN KEY (tenant_id, change_id) REFERENCES opt_out_changes(tenant_id, id),
    CONSTRAINT fk_consents_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_consents_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id)
);
CREATE INDEX ix_consents_change ON consents USING btree (change_id);
CREATE INDEX ix_consents_status ON consents USING btree (team_id, status, contact_id);
CREATE INDEX ix_consents_team ON consents USING btree (team_id);
CREATE TRIGGER matches_history BEFORE INSERT OR UPDATE ON consents FOR EACH ROW EXECUTE FUNCTION require_matching_change();
ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
ALTER TABLE consents FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON consents FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON consents USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON consents TO cadence_app;
GRANT SELECT ON consents TO cadence_backup;

CREATE TABLE contact_numbers (
    id bigserial,
    tenant_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    number text NOT NULL,
    since timestamp with time zone NOT NULL DEFAULT now(),
    until timestamp with time zone,
    user_id bigint,
    ended_by_id bigint,
    reason text NOT NULL,
    CONSTRAINT pk_contact_numbers PRIMARY KEY (id),
    CONSTRAINT fk_contact_numbers_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_contact_numbers_ended_by_id FOREIGN KEY (tenant_id, ended_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_contact_numbers_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_contact_numbers_contact ON contact_numbers USING btree (contact_id, id);
CREATE INDEX ix_contact_numbers_digits ON contact_numbers USING gin (digits_in(tenant_id, number)) WHERE (until IS NULL);
CREATE INDEX ix_contact_numbers_number ON contact_numbers USING btree (tenant_id, number);
CREATE TRIGGER carrier_blocks_handed_on AFTER INSERT ON contact_numbers REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION hand_on_carrier_blocks();
CREATE TRIGGER left_unbarred AFTER UPDATE ON contact_numbers REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT EXECUTE FUNCTION unbar_left_numbers();
CREATE TRIGGER stopped_barred AFTER INSERT ON contact_numbers REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION bar_stopped_numbers();
CREATE UNIQUE INDEX uq_contact_numbers_current ON contact_numbers USING btree (tenant_id, number) WHERE (until IS NULL);
ALTER TABLE contact_numbers ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_numbers FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON contact_numbers FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON contact_numbers FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON contact_numbers USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_numbers TO cadence_app;
GRANT SELECT ON contact_numbers TO cadence_backup;
GRANT SELECT (tenant_id, contact_id, number, until) ON contact_numbers TO cadence_lookup;
GRANT USAGE ON SEQUENCE contact_numbers_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE contact_numbers_id_seq TO cadence_backup;

CREATE TABLE contact_presses (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    action text NOT NULL,
    tag_id bigint,
    contact_ids bigint[] NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    undone_at timestamp with time zone,
    CONSTRAINT pk_contact_presses PRIMARY KEY (id),
    CONSTRAINT ck_contact_presses_action CHECK ((action = ANY (ARRAY['tag'::text, 'untag'::text, 'text'::text]))),
    CONSTRAINT fk_contact_presses_tag_id FOREIGN KEY (tenant_id, tag_id) REFERENCES tags(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_contact_presses_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_contact_presses_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_contact_presses_user ON contact_presses USING btree (user_id, created_at);
ALTER TABLE contact_presses ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_presses FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON contact_presses FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON contact_presses USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_presses TO cadence_app;
GRANT SELECT ON contact_presses TO cadence_backup;
GRANT USAGE ON SEQUENCE contact_presses_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE contact_presses_id_seq TO cadence_backup;

CREATE TABLE contact_tags (
    contact_id bigint NOT NULL,
    tag_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    CONSTRAINT pk_contact_tags PRIMARY KEY (contact_id, tag_id),
    CONSTRAINT fk_contact_tags_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_contact_tags_tag_id FOREIGN KEY (tenant_id, tag_id) REFERENCES tags(tenant_id, id),
    CONSTRAINT fk_contact_tags_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_contact_tags_tag_id ON contact_tags USING btree (tag_id);
ALTER TABLE contact_tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_tags FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON contact_tags FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON contact_tags USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON contact_tags TO cadence_app;
GRANT SELECT ON contact_tags TO cadence_backup;

CREATE TABLE contacts (
    id bigserial,
    tenant_id bigint NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    external_id text NOT NULL,
    number text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    custom jsonb NOT NULL DEFAULT '{}'::jsonb,
    merged_into_id bigint,
    gone_at timestamp with time zone,
    gone_by_id bigint,
    last_key text NOT NULL GENERATED ALWAYS AS (lower(last_name)) STORED,
    first_key text NOT NULL GENERATED ALWAYS AS (lower(first_name)) STORED,
    CONSTRAINT pk_contacts PRIMARY KEY (id),
    CONSTRAINT uq_contacts_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_contacts_tenant_id_number UNIQUE (tenant_id, number),
    CONSTRAINT fk_contacts_gone_by_id FOREIGN KEY (tenant_id, gone_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_contacts_merged_into_id FOREIGN KEY (tenant_id, merged_into_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_contacts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_contacts_added ON contacts USING btree (tenant_id, created_at, id);
CREATE INDEX ix_contacts_merged ON contacts USING btree (merged_into_id) WHERE (merged_into_id IS NOT NULL);
CREATE INDEX ix_contacts_name ON contacts USING btree (tenant_id, last_key, first_key, id);
CREATE INDEX ix_contacts_named ON contacts USING gin (named_in(tenant_id, first_name, last_name, external_id));
CREATE INDEX ix_contacts_order ON contacts USING btree (tenant_id, id);
CREATE TRIGGER numbers_kept AFTER INSERT ON contacts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_first_numbers();
CREATE TRIGGER numbers_kept_on_change AFTER UPDATE ON contacts FOR EACH ROW WHEN ((old.number <> new.number)) EXECUTE FUNCTION keep_changed_numbers();
CREATE UNIQUE INDEX uq_contacts_external_id ON contacts USING btree (tenant_id, external_id) WHERE (external_id <> ''::text);
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contacts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON contacts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON contacts FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON contacts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON contacts TO cadence_app;
GRANT SELECT ON contacts TO cadence_backup;
GRANT SELECT (id, tenant_id, first_name, last_name, external_id) ON contacts TO cadence_lookup;
GRANT USAGE ON SEQUENCE contacts_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE contacts_id_seq TO cadence_backup;

CREATE TABLE conversations (
    id bigserial,
    tenant_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    last_message_at timestamp with time zone NOT NULL,
    last_message_text text NOT NULL,
    unread bigint NOT NULL,
    assignee_id bigint,
    changed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL DEFAULT 'open'::text,
    snoozed_until timestamp with time zone,
    listed_at timestamp with time zone,
    waiting_since timestamp with time zone,
    CONSTRAINT pk_conversations PRIMARY KEY (id),
    CONSTRAINT uq_conversations_inbox_id_contact_id UNIQUE (inbox_id, contact_id),
    CONSTRAINT uq_conversations_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_conversations_done CHECK (((state <> 'done'::text) OR (waiting_since IS NULL))),
    CONSTRAINT ck_conversations_snoozed CHECK (((state = 'snoozed'::text) = (snoozed_until IS NOT NULL))),
    CONSTRAINT ck_conversations_state CHECK ((state = ANY (ARRAY['open'::text, 'snoozed'::text, 'done'::text]))),
    CONSTRAINT fk_conversations_assignee_id FOREIGN KEY (tenant_id, assignee_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_conversations_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_conversations_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_conversations_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_conversations_assignee ON conversations USING btree (assignee_id) WHERE (assignee_id IS NOT NULL);
CREATE INDEX ix_conversations_changed ON conversations USING btree (inbox_id, changed_at DESC, id DESC);
CREATE INDEX ix_conversations_contact_id ON conversations USING btree (contact_id);
CREATE INDEX ix_conversations_done_listed ON conversations USING btree (inbox_id, listed_at DESC, id DESC) WHERE ((state = 'done'::text) AND (listed_at IS NOT NULL));
CREATE INDEX ix_conversations_latest ON conversations USING btree (tenant_id, last_message_at, id);
CREATE INDEX ix_conversations_listed ON conversations USING btree (inbox_id, listed_at DESC, id DESC) WHERE (listed_at IS NOT NULL);
CREATE INDEX ix_conversations_open ON conversations USING btree (inbox_id, listed_at DESC, id DESC) WHERE ((state = 'open'::text) AND (listed_at IS NOT NULL));
CREATE INDEX ix_conversations_snoozed ON conversations USING btree (tenant_id, snoozed_until) WHERE (state = 'snoozed'::text);
CREATE INDEX ix_conversations_unread ON conversations USING btree (inbox_id, assignee_id) WHERE (unread > 0);
CREATE INDEX ix_conversations_unread_listed ON conversations USING btree (inbox_id, listed_at DESC, id DESC) WHERE ((unread > 0) AND (listed_at IS NOT NULL));
CREATE INDEX ix_conversations_waiting ON conversations USING btree (inbox_id, waiting_since, id) WHERE ((state = 'open'::text) AND (waiting_since IS NOT NULL));
CREATE INDEX ix_conversations_waiting_listed ON conversations USING btree (inbox_id, listed_at DESC, id DESC) WHERE ((state = 'open'::text) AND (waiting_since IS NOT NULL) AND (listed_at IS NOT NULL));
CREATE TRIGGER changed BEFORE INSERT OR UPDATE ON conversations FOR EACH ROW EXECUTE FUNCTION note_conversation_change();
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON conversations FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON conversations FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON conversations USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations TO cadence_app;
GRANT SELECT ON conversations TO cadence_backup;
GRANT SELECT (id, tenant_id, state, snoozed_until) ON conversations TO cadence_lookup;
GRANT USAGE ON SEQUENCE conversations_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE conversations_id_seq TO cadence_backup;

CREATE TABLE counted_changes (
    id bigserial,
    tenant_id bigint NOT NULL,
    day date NOT NULL,
    team_id bigint NOT NULL,
    source text NOT NULL,
    status text NOT NULL,
    user_id bigint,
    changes bigint NOT NULL,
    CONSTRAINT pk_counted_changes PRIMARY KEY (id),
    CONSTRAINT fk_counted_changes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_counted_changes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_counted_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_counted_changes_day ON counted_changes USING btree (tenant_id, day);
ALTER TABLE counted_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE counted_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON counted_changes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON counted_changes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON counted_changes TO cadence_app;
GRANT SELECT ON counted_changes TO cadence_backup;
GRANT USAGE ON SEQUENCE counted_changes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE counted_changes_id_seq TO cadence_backup;

CREATE TABLE counted_texts (
    id bigserial,
    tenant_id bigint NOT NULL,
    day date NOT NULL,
    inbox_id bigint NOT NULL,
    user_id bigint,
    campaign_id bigint,
    automatic boolean NOT NULL,
    sent bigint NOT NULL,
    failed bigint NOT NULL,
    delivered bigint NOT NULL,
    replied bigint NOT NULL,
    received bigint NOT NULL,
    unread bigint NOT NULL,
    CONSTRAINT pk_counted_texts PRIMARY KEY (id),
    CONSTRAINT fk_counted_texts_campaign_id FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_counted_texts_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_counted_texts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_counted_texts_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_counted_texts_day ON counted_texts USING btree (tenant_id, day);
ALTER TABLE counted_texts ENABLE ROW LEVEL SECURITY;
ALTER TABLE counted_texts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON counted_texts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON counted_texts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON counted_texts TO cadence_app;
GRANT SELECT ON counted_texts TO cadence_backup;
GRANT USAGE ON SEQUENCE counted_texts_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE counted_texts_id_seq TO cadence_backup;

CREATE TABLE custom_fields (
    id bigserial,
    tenant_id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT pk_custom_fields PRIMARY KEY (id),
    CONSTRAINT ck_custom_fields_kind CHECK ((kind = ANY (ARRAY['text'::text, 'number'::text, 'date'::text]))),
    CONSTRAINT fk_custom_fields_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX uq_custom_fields_name ON custom_fields USING btree (tenant_id, lower(name));
ALTER TABLE custom_fields ENABLE ROW LEVEL SECURITY;
ALTER TABLE custom_fields FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON custom_fields FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON custom_fields USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON custom_fields TO cadence_app;
GRANT SELECT ON custom_fields TO cadence_backup;
GRANT USAGE ON SEQUENCE custom_fields_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE custom_fields_id_seq TO cadence_backup;

CREATE TABLE custom_keywords (
    id bigserial,
    tenant_id bigint NOT NULL,
    team_id bigint,
    word text NOT NULL,
    meaning text NOT NULL,
    answer text NOT NULL DEFAULT ''::text,
    CONSTRAINT pk_custom_keywords PRIMARY KEY (id),
    CONSTRAINT uq_custom_keywords_tenant_id_team_id_word UNIQUE NULLS NOT DISTINCT (tenant_id, team_id, word),
    CONSTRAINT ck_custom_keywords_meaning CHECK ((meaning = ANY (ARRAY['out'::text, 'in'::text, 'help'::text]))),
    CONSTRAINT fk_custom_keywords_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_custom_keywords_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE custom_keywords ENABLE ROW LEVEL SECURITY;
ALTER TABLE custom_keywords FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON custom_keywords FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON custom_keywords USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON custom_keywords TO cadence_app;
GRANT SELECT ON custom_keywords TO cadence_backup;
GRANT USAGE ON SEQUENCE custom_keywords_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE custom_keywords_id_seq TO cadence_backup;

CREATE TABLE day_counting (
    tenant_id bigint NOT NULL,
    time_zone text NOT NULL,
    noted_until timestamp with time zone NOT NULL,
    noted_before bigint,
    counted_until timestamp with time zone NOT NULL,
    CONSTRAINT pk_day_counting PRIMARY KEY (tenant_id),
    CONSTRAINT fk_day_counting_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE day_counting ENABLE ROW LEVEL SECURITY;
ALTER TABLE day_counting FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON day_counting FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON day_counting FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON day_counting USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON day_counting TO cadence_app;
GRANT SELECT ON day_counting TO cadence_backup;
GRANT SELECT (tenant_id, time_zone, counted_until) ON day_counting TO cadence_lookup;

CREATE TABLE days_to_recount (
    id bigserial,
    tenant_id bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_days_to_recount PRIMARY KEY (id),
    CONSTRAINT fk_days_to_recount_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_days_to_recount_hour ON days_to_recount USING btree (tenant_id, starts_at);
ALTER TABLE days_to_recount ENABLE ROW LEVEL SECURITY;
ALTER TABLE days_to_recount FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON days_to_recount FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON days_to_recount FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON days_to_recount USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON days_to_recount TO cadence_app;
GRANT SELECT ON days_to_recount TO cadence_backup;
GRANT SELECT (tenant_id) ON days_to_recount TO cadence_lookup;
GRANT USAGE ON SEQUENCE days_to_recount_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE days_to_recount_id_seq TO cadence_backup;

CREATE TABLE desk_batch_items (
    id bigserial,
    tenant_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    change_id bigint,
    assignee_id bigint,
    unread bigint NOT NULL,
    CONSTRAINT pk_desk_batch_items PRIMARY KEY (id),
    CONSTRAINT fk_desk_batch_items_assignee_id FOREIGN KEY (tenant_id, assignee_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_desk_batch_items_batch_id FOREIGN KEY (tenant_id, batch_id) REFERENCES desk_batches(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_desk_batch_items_change_id FOREIGN KEY (tenant_id, change_id) REFERENCES state_changes(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_desk_batch_items_conversation_id FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations(tenant_id, id),
    CONSTRAINT fk_desk_batch_items_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_desk_batch_items_batch ON desk_batch_items USING btree (batch_id, conversation_id);
CREATE INDEX ix_desk_batch_items_conversation_id ON desk_batch_items USING btree (conversation_id);
ALTER TABLE desk_batch_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE desk_batch_items FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON desk_batch_items FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON desk_batch_items USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON desk_batch_items TO cadence_app;
GRANT SELECT ON desk_batch_items TO cadence_backup;
GRANT USAGE ON SEQUENCE desk_batch_items_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE desk_batch_items_id_seq TO cadence_backup;

CREATE TABLE desk_batches (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    action text NOT NULL,
    assignee_id bigint,
    tag_id bigint,
    left_out bigint NOT NULL,
    newer bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    undone_at timestamp with time zone,
    CONSTRAINT pk_desk_batches PRIMARY KEY (id),
    CONSTRAINT uq_desk_batches_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_desk_batches_action CHECK ((action = ANY (ARRAY['done'::text, 'snooze'::text, 'reopen'::text, 'read'::text, 'assign'::text, 'tag'::text]))),
    CONSTRAINT fk_desk_batches_assignee_id FOREIGN KEY (tenant_id, assignee_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_desk_batches_tag_id FOREIGN KEY (tenant_id, tag_id) REFERENCES tags(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_desk_batches_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_desk_batches_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_desk_batches_user ON desk_batches USING btree (user_id, created_at);
ALTER TABLE desk_batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE desk_batches FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON desk_batches FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON desk_batches USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON desk_batches TO cadence_app;
GRANT SELECT ON desk_batches TO cadence_backup;
GRANT USAGE ON SEQUENCE desk_batches_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE desk_batches_id_seq TO cadence_backup;

CREATE TABLE desk_choices (
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    tab text NOT NULL,
    oldest_first boolean NOT NULL,
    done_told boolean NOT NULL,
    quiet_told boolean NOT NULL,
    CONSTRAINT pk_desk_choices PRIMARY KEY (user_id),
    CONSTRAINT fk_desk_choices_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_desk_choices_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
ALTER TABLE desk_choices ENABLE ROW LEVEL SECURITY;
ALTER TABLE desk_choices FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON desk_choices FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON desk_choices USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON desk_choices TO cadence_app;
GRANT SELECT ON desk_choices TO cadence_backup;

CREATE TABLE destinations (
    id bigserial,
    tenant_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    place jsonb NOT NULL,
    secret text NOT NULL,
    host_key text NOT NULL,
    file_pattern text NOT NULL,
    with_digest boolean NOT NULL,
    when_taken text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    paused_at timestamp with time zone,
    deleted_at timestamp with time zone,
    CONSTRAINT pk_destinations PRIMARY KEY (id),
    CONSTRAINT uq_destinations_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_destinations_kind CHECK ((kind = ANY (ARRAY['sftp'::text, 's3'::text]))),
    CONSTRAINT ck_destinations_when_taken CHECK ((when_taken = ANY (ARRAY['replace'::text, 'wait'::text]))),
    CONSTRAINT fk_destinations_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX uq_destinations_name ON destinations USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);
ALTER TABLE destinations ENABLE ROW LEVEL SECURITY;
ALTER TABLE destinations FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON destinations FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON destinations USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON destinations TO cadence_app;
GRANT SELECT ON destinations TO cadence_backup;
GRANT USAGE ON SEQUENCE destinations_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE destinations_id_seq TO cadence_backup;

CREATE TABLE discarded_files (
    id bigserial,
    tenant_id bigint NOT NULL,
    file_key text NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    due_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_discarded_files PRIMARY KEY (id),
    CONSTRAINT fk_discarded_files_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_discarded_files_due ON discarded_files USING btree (tenant_id, due_at);
ALTER TABLE discarded_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE discarded_files FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON discarded_files FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON discarded_files FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON discarded_files USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON discarded_files TO cadence_app;
GRANT SELECT ON discarded_files TO cadence_backup;
GRANT SELECT (id, tenant_id, due_at) ON discarded_files TO cadence_lookup;
GRANT USAGE ON SEQUENCE discarded_files_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE discarded_files_id_seq TO cadence_backup;

CREATE TABLE drafts (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    what text NOT NULL,
    contact_id bigint NOT NULL,
    inbox_id bigint,
    team_id bigint,
    words text NOT NULL DEFAULT ''::text,
    typed_at timestamp with time zone NOT NULL,
    other_words text NOT NULL DEFAULT ''::text,
    other_at timestamp with time zone,
    about bigint NOT NULL DEFAULT '0'::bigint,
    version bigint NOT NULL DEFAULT '0'::bigint,
    turns jsonb NOT NULL DEFAULT '[]'::jsonb,
    ends_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_drafts PRIMARY KEY (id),
    CONSTRAINT ck_drafts_place CHECK ((((what = 'reason'::text) = (team_id IS NOT NULL)) AND ((what = 'reason'::text) = (inbox_id IS NULL)))),
    CONSTRAINT ck_drafts_what CHECK ((what = ANY (ARRAY['text'::text, 'note'::text, 'reason'::text]))),
    CONSTRAINT fk_drafts_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_drafts_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_drafts_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_drafts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_drafts_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_drafts_contact_id ON drafts USING btree (contact_id);
CREATE INDEX ix_drafts_due ON drafts USING btree (tenant_id, ends_at);
CREATE UNIQUE INDEX uq_drafts_place ON drafts USING btree (user_id, contact_id, what, inbox_id, team_id) NULLS NOT DISTINCT;
ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE drafts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON drafts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON drafts FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON drafts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON drafts TO cadence_app;
GRANT SELECT ON drafts TO cadence_backup;
GRANT SELECT (id, tenant_id, ends_at) ON drafts TO cadence_lookup;
GRANT USAGE ON SEQUENCE drafts_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE drafts_id_seq TO cadence_backup;

CREATE TABLE export_deliveries (
    export_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    file_name text NOT NULL,
    state text NOT NULL,
    attempts bigint NOT NULL,
    problem text NOT NULL,
    delivered_at timestamp with time zone,
    tell_at timestamp with time zone,
    CONSTRAINT pk_export_deliveries PRIMARY KEY (export_id, destination_id),
    CONSTRAINT ck_export_deliveries_state CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text, 'dropped'::text]))),
    CONSTRAINT fk_export_deliveries_destination_id FOREIGN KEY (tenant_id, destination_id) REFERENCES destinations(tenant_id, id),
    CONSTRAINT fk_export_deliveries_export_id FOREIGN KEY (tenant_id, export_id) REFERENCES exports(tenant_id, id),
    CONSTRAINT fk_export_deliveries_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_export_deliveries_destination_id ON export_deliveries USING btree (destination_id);
CREATE INDEX ix_export_deliveries_tell ON export_deliveries USING btree (tenant_id, tell_at) WHERE (tell_at IS NOT NULL);
ALTER TABLE export_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON export_deliveries FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON export_deliveries FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON export_deliveries USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON export_deliveries TO cadence_app;
GRANT SELECT ON export_deliveries TO cadence_backup;
GRANT SELECT (export_id, tenant_id, tell_at) ON export_deliveries TO cadence_lookup;

CREATE TABLE export_recipients (
    export_id bigint NOT NULL,
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    sent_at timestamp with time zone,
    problem text NOT NULL,
    CONSTRAINT pk_export_recipients PRIMARY KEY (export_id, user_id),
    CONSTRAINT fk_export_recipients_export_id FOREIGN KEY (tenant_id, export_id) REFERENCES exports(tenant_id, id),
    CONSTRAINT fk_export_recipients_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_export_recipients_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
ALTER TABLE export_recipients ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_recipients FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON export_recipients FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON export_recipients USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON export_recipients TO cadence_app;
GRANT SELECT ON export_recipients TO cadence_backup;

CREATE TABLE export_schedule_destinations (
    schedule_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    CONSTRAINT pk_export_schedule_destinations PRIMARY KEY (schedule_id, destination_id),
    CONSTRAINT fk_export_schedule_destinations_destination_id FOREIGN KEY (tenant_id, destination_id) REFERENCES destinations(tenant_id, id),
    CONSTRAINT fk_export_schedule_destinations_schedule_id FOREIGN KEY (tenant_id, schedule_id) REFERENCES export_schedules(tenant_id, id),
    CONSTRAINT fk_export_schedule_destinations_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_export_schedule_destinations_destination_id ON export_schedule_destinations USING btree (destination_id);
ALTER TABLE export_schedule_destinations ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_schedule_destinations FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON export_schedule_destinations FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON export_schedule_destinations USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON export_schedule_destinations TO cadence_app;
GRANT SELECT ON export_schedule_destinations TO cadence_backup;

CREATE TABLE export_schedule_recipients (
    schedule_id bigint NOT NULL,
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    CONSTRAINT pk_export_schedule_recipients PRIMARY KEY (schedule_id, user_id),
    CONSTRAINT fk_export_schedule_recipients_schedule_id FOREIGN KEY (tenant_id, schedule_id) REFERENCES export_schedules(tenant_id, id),
    CONSTRAINT fk_export_schedule_recipients_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_export_schedule_recipients_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
ALTER TABLE export_schedule_recipients ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_schedule_recipients FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON export_schedule_recipients FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON export_schedule_recipients USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON export_schedule_recipients TO cadence_app;
GRANT SELECT ON export_schedule_recipients TO cadence_backup;

CREATE TABLE export_schedules (
    id bigserial,
    tenant_id bigint NOT NULL,
    kind text NOT NULL,
    format text NOT NULL,
    filters jsonb NOT NULL,
    extra_columns jsonb NOT NULL,
    period text NOT NULL,
    every text NOT NULL,
    weekday bigint NOT NULL,
    month_day bigint NOT NULL,
    hour bigint NOT NULL,
    owner_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    next_run_at timestamp with time zone NOT NULL,
    paused_at timestamp with time zone,
    deleted_at timestamp with time zone,
    gone_at timestamp with time zone,
    remind_at timestamp with time zone,
    CONSTRAINT pk_export_schedules PRIMARY KEY (id),
    CONSTRAINT uq_export_schedules_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_export_schedules_every CHECK ((every = ANY (ARRAY['day'::text, 'week'::text, 'month'::text]))),
    CONSTRAINT ck_export_schedules_format CHECK ((format = ANY (ARRAY['csv'::text, 'xlsx'::text]))),
    CONSTRAINT ck_export_schedules_hour CHECK (((hour >= 0) AND (hour <= 23))),
    CONSTRAINT ck_export_schedules_month_day CHECK (((month_day >= 1) AND (month_day <= 31))),
    CONSTRAINT ck_export_schedules_period CHECK ((period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text, 'changed'::text, 'now'::text]))),
    CONSTRAINT ck_export_schedules_weekday CHECK (((weekday >= 0) AND (weekday <= 6))),
    CONSTRAINT fk_export_schedules_owner_id FOREIGN KEY (tenant_id, owner_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_export_schedules_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_export_schedules_due ON export_schedules USING btree (tenant_id, next_run_at);
ALTER TABLE export_schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_schedules FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON export_schedules FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON export_schedules FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON export_schedules USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON export_schedules TO cadence_app;
GRANT SELECT ON export_schedules TO cadence_backup;
GRANT SELECT (id, tenant_id, owner_id, next_run_at, paused_at, deleted_at, gone_at, remind_at) ON export_schedules TO cadence_lookup;
GRANT USAGE ON SEQUENCE export_schedules_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE export_schedules_id_seq TO cadence_backup;

CREATE TABLE exports (
    id bigserial,
    tenant_id bigint NOT NULL,
    kind text NOT NULL,
    start_date date NOT NULL,
    end_date date NOT NULL,
    time_zone text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    requested_by_id bigint NOT NULL,
    requested_at timestamp with time zone NOT NULL DEFAULT now(),
    state text NOT NULL,
    rows_total bigint,
    rows_written bigint NOT NULL,
    size bigint,
    sha256 text NOT NULL,
    file_key text NOT NULL,
    delivery text NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL DEFAULT now(),
    problem text NOT NULL,
    finished_at timestamp with time zone,
    sent_at timestamp with time zone,
    expires_at timestamp with time zone,
    format text NOT NULL DEFAULT 'csv'::text,
    filters jsonb NOT NULL DEFAULT '{}'::jsonb,
    extra_columns jsonb NOT NULL DEFAULT '[]'::jsonb,
    schedule_id bigint,
    scheduled_for timestamp with time zone,
    after_change_id bigint,
    up_to_change_id bigint,
    left_out bigint NOT NULL DEFAULT '0'::bigint,
    CONSTRAINT pk_exports PRIMARY KEY (id),
    CONSTRAINT uq_exports_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_exports_changes CHECK ((up_to_change_id >= after_change_id)),
    CONSTRAINT ck_exports_format CHECK ((format = ANY (ARRAY['csv'::text, 'xlsx'::text]))),
    CONSTRAINT ck_exports_range CHECK ((end_date >= start_date)),
    CONSTRAINT ck_exports_state CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'mailing'::text, 'sent'::text, 'failed'::text]))),
    CONSTRAINT fk_exports_requested_by_id FOREIGN KEY (tenant_id, requested_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_exports_schedule_id FOREIGN KEY (tenant_id, schedule_id) REFERENCES export_schedules(tenant_id, id),
    CONSTRAINT fk_exports_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_exports_expiring ON exports USING btree (tenant_id, expires_at) WHERE (file_key <> ''::text);
CREATE INDEX ix_exports_latest ON exports USING btree (tenant_id, id DESC);
CREATE INDEX ix_exports_schedule ON exports USING btree (schedule_id, id);
CREATE INDEX ix_exports_unfinished ON exports USING btree (tenant_id, next_attempt_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'mailing'::text]));
CREATE UNIQUE INDEX uq_exports_run ON exports USING btree (schedule_id, scheduled_for) WHERE (scheduled_for IS NOT NULL);
ALTER TABLE exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE exports FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON exports FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON exports FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON exports USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON exports TO cadence_app;
GRANT SELECT ON exports TO cadence_backup;
GRANT SELECT (id, tenant_id, state, file_key, next_attempt_at, expires_at) ON exports TO cadence_lookup;
GRANT USAGE ON SEQUENCE exports_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE exports_id_seq TO cadence_backup;

CREATE TABLE failed_tries (
    id bigserial,
    key bytea NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_failed_tries PRIMARY KEY (id)
);
CREATE INDEX ix_failed_tries_at ON failed_tries USING btree (at);
CREATE INDEX ix_failed_tries_key ON failed_tries USING btree (key, at);
GRANT SELECT, INSERT, DELETE ON failed_tries TO cadence_app;
GRANT SELECT ON failed_tries TO cadence_backup;
GRANT USAGE ON SEQUENCE failed_tries_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE failed_tries_id_seq TO cadence_backup;

CREATE TABLE first_run (
    tenant_id bigint NOT NULL,
    registration text NOT NULL DEFAULT ''::text,
    registration_at timestamp with time zone,
    registration_by_id bigint,
    keywords_seen_at timestamp with time zone,
    keywords_seen_by_id bigint,
    dismissed_at timestamp with time zone,
    dismissed_by_id bigint,
    CONSTRAINT pk_first_run PRIMARY KEY (tenant_id),
    CONSTRAINT ck_first_run_registration CHECK ((registration = ANY (ARRAY[''::text, 'registered'::text, 'not_needed'::text]))),
    CONSTRAINT fk_first_run_dismissed_by_id FOREIGN KEY (tenant_id, dismissed_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_first_run_keywords_seen_by_id FOREIGN KEY (tenant_id, keywords_seen_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_first_run_registration_by_id FOREIGN KEY (tenant_id, registration_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_first_run_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE first_run ENABLE ROW LEVEL SECURITY;
ALTER TABLE first_run FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON first_run FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON first_run USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON first_run TO cadence_app;
GRANT SELECT ON first_run TO cadence_backup;

CREATE TABLE for_me (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    kind text NOT NULL,
    conversation_id bigint NOT NULL,
    note_id bigint,
    by_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamp with time zone,
    told_at timestamp with time zone,
    mailed_at timestamp with time zone,
    CONSTRAINT pk_for_me PRIMARY KEY (id),
    CONSTRAINT ck_for_me_kind CHECK ((kind = ANY (ARRAY['mention'::text, 'assignment'::text]))),
    CONSTRAINT fk_for_me_by_id FOREIGN KEY (tenant_id, by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_for_me_conversation_id FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations(tenant_id, id),
    CONSTRAINT fk_for_me_note_id FOREIGN KEY (tenant_id, note_id) REFERENCES notes(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_for_me_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_for_me_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_for_me_age ON for_me USING btree (tenant_id, created_at);
CREATE INDEX ix_for_me_conversation ON for_me USING btree (conversation_id);
CREATE INDEX ix_for_me_list ON for_me USING btree (user_id, id DESC);
CREATE INDEX ix_for_me_note ON for_me USING btree (note_id) WHERE (note_id IS NOT NULL);
CREATE INDEX ix_for_me_unmailed ON for_me USING btree (tenant_id, created_at) WHERE (mailed_at IS NULL);
CREATE INDEX ix_for_me_untold ON for_me USING btree (tenant_id, created_at) WHERE (told_at IS NULL);
ALTER TABLE for_me ENABLE ROW LEVEL SECURITY;
ALTER TABLE for_me FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON for_me FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON for_me FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON for_me USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON for_me TO cadence_app;
GRANT SELECT ON for_me TO cadence_backup;
GRANT SELECT (id, tenant_id, user_id, created_at, told_at, mailed_at) ON for_me TO cadence_lookup;
GRANT USAGE ON SEQUENCE for_me_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE for_me_id_seq TO cadence_backup;

CREATE TABLE idempotency_keys (
    token_id bigint NOT NULL,
    key text NOT NULL,
    tenant_id bigint NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    status bigint,
    body text,
    location text,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (token_id, key),
    CONSTRAINT fk_idempotency_keys_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_idempotency_keys_token_id FOREIGN KEY (tenant_id, token_id) REFERENCES api_tokens(tenant_id, id)
);
CREATE INDEX ix_idempotency_keys_age ON idempotency_keys USING btree (tenant_id, created_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON idempotency_keys FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON idempotency_keys FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON idempotency_keys USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO cadence_app;
GRANT SELECT ON idempotency_keys TO cadence_backup;
GRANT SELECT (token_id, tenant_id, created_at) ON idempotency_keys TO cadence_lookup;

CREATE TABLE import_codes (
    tenant_id bigint NOT NULL,
    code text NOT NULL,
    team_id bigint NOT NULL,
    CONSTRAINT pk_import_codes PRIMARY KEY (tenant_id, code),
    CONSTRAINT fk_import_codes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_import_codes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE import_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON import_codes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON import_codes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON import_codes TO cadence_app;
GRANT SELECT ON import_codes TO cadence_backup;

CREATE TABLE import_contacts (
    import_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    CONSTRAINT pk_import_contacts PRIMARY KEY (import_id, contact_id),
    CONSTRAINT fk_import_contacts_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_import_contacts_import_id FOREIGN KEY (tenant_id, import_id) REFERENCES imports(tenant_id, id)
);
CREATE INDEX ix_import_contacts_contact_id ON import_contacts USING btree (contact_id);
ALTER TABLE import_contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_contacts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON import_contacts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON import_contacts FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON import_contacts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON import_contacts TO cadence_app;
GRANT SELECT ON import_contacts TO cadence_backup;
GRANT SELECT (import_id, tenant_id) ON import_contacts TO cadence_lookup;

CREATE TABLE import_mappings (
    tenant_id bigint NOT NULL,
    header text NOT NULL,
    target text NOT NULL,
    CONSTRAINT pk_import_mappings PRIMARY KEY (tenant_id, header),
    CONSTRAINT fk_import_mappings_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE import_mappings ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_mappings FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON import_mappings FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON import_mappings USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON import_mappings TO cadence_app;
GRANT SELECT ON import_mappings TO cadence_backup;

CREATE TABLE import_opt_outs (
    import_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    changed boolean NOT NULL,
    CONSTRAINT pk_import_opt_outs PRIMARY KEY (import_id, contact_id, team_id),
    CONSTRAINT fk_import_opt_outs_import_id FOREIGN KEY (tenant_id, import_id) REFERENCES imports(tenant_id, id),
    CONSTRAINT fk_import_opt_outs_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE import_opt_outs ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_opt_outs FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON import_opt_outs FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON import_opt_outs USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON import_opt_outs TO cadence_app;
GRANT SELECT ON import_opt_outs TO cadence_backup;

CREATE TABLE import_outcomes (
    import_id bigint NOT NULL,
    line bigint NOT NULL,
    tenant_id bigint NOT NULL,
    result text NOT NULL,
    contact_id bigint,
    waits_for_id bigint,
    moved boolean NOT NULL,
    note text NOT NULL,
    kind text NOT NULL DEFAULT ''::text,
    number_stopped boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_import_outcomes PRIMARY KEY (import_id, line),
    CONSTRAINT ck_import_outcomes_result CHECK ((result = ANY (ARRAY['new'::text, 'updated'::text, 'unchanged'::text, 'refused'::text, 'waiting'::text]))),
    CONSTRAINT fk_import_outcomes_import_id FOREIGN KEY (tenant_id, import_id) REFERENCES imports(tenant_id, id)
);
CREATE INDEX ix_import_outcomes_noted ON import_outcomes USING btree (import_id, line) WHERE (note <> ''::text);
CREATE INDEX ix_import_outcomes_refused ON import_outcomes USING btree (import_id, kind, line) WHERE (kind <> ''::text);
CREATE INDEX ix_import_outcomes_stopped ON import_outcomes USING btree (import_id, line) WHERE number_stopped;
ALTER TABLE import_outcomes ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_outcomes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON import_outcomes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON import_outcomes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON import_outcomes TO cadence_app;
GRANT SELECT ON import_outcomes TO cadence_backup;

CREATE TABLE import_rows (
    import_id bigint NOT NULL,
    line bigint NOT NULL,
    tenant_id bigint NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    external_id text NOT NULL,
    number text NOT NULL,
    team_ids bigint[] NOT NULL,
    status text,
    tags text[] NOT NULL,
    custom jsonb NOT NULL,
    problems jsonb NOT NULL,
    said_at timestamp with time zone,
    older_than bigint,
    choice text,
    heard text,
    agreed boolean NOT NULL DEFAULT false,
    given jsonb,
    CONSTRAINT pk_import_rows PRIMARY KEY (import_id, line),
    CONSTRAINT ck_import_rows_import_rows_choice CHECK (((choice IS NULL) OR (choice = ANY (ARRAY['update'::text, 'further'::text])))),
    CONSTRAINT ck_import_rows_import_rows_heard CHECK (((heard IS NULL) OR (heard = ANY (ARRAY['counts'::text, 'older'::text, 'nobody'::text, 'no_team'::text])))),
    CONSTRAINT fk_import_rows_import_id FOREIGN KEY (tenant_id, import_id) REFERENCES imports(tenant_id, id)
);
CREATE INDEX ix_import_rows_external_id ON import_rows USING btree (import_id, external_id) WHERE (external_id <> ''::text);
CREATE INDEX ix_import_rows_number ON import_rows USING btree (import_id, number) WHERE (number <> ''::text);
CREATE INDEX ix_import_rows_opt_outs ON import_rows USING btree (import_id, line) WHERE (status = 'opted_out'::text);
ALTER TABLE import_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_rows FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON import_rows FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON import_rows USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON import_rows TO cadence_app;
GRANT SELECT ON import_rows TO cadence_backup;

CREATE TABLE imports (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    file_name text NOT NULL,
    file_key text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    options jsonb NOT NULL,
    headers jsonb NOT NULL,
    columns jsonb NOT NULL,
    default_teams jsonb NOT NULL,
    state text NOT NULL,
    touched_at timestamp with time zone NOT NULL DEFAULT now(),
    attempts bigint NOT NULL,
    problem text NOT NULL,
    started_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    stop_reason text NOT NULL,
    rows_total bigint NOT NULL,
    rows_done bigint NOT NULL,
    rows_new bigint NOT NULL,
    rows_updated bigint NOT NULL,
    rows_unchanged bigint NOT NULL,
    rows_refused bigint NOT NULL,
    statuses_changed bigint NOT NULL,
    opt_ins_held bigint NOT NULL,
    applied_to bigint,
    result_key text NOT NULL,
    area_code text NOT NULL DEFAULT ''::text,
    local_numbers bigint NOT NULL DEFAULT '0'::bigint,
    rows_hidden bigint NOT NULL DEFAULT '0'::bigint,
    rows_older bigint NOT NULL DEFAULT '0'::bigint,
    refused_opt_outs bigint NOT NULL DEFAULT '0'::bigint,
    opt_ins_outvoted bigint NOT NULL DEFAULT '0'::bigint,
    opt_outs_older bigint NOT NULL DEFAULT '0'::bigint,
    refusals jsonb NOT NULL DEFAULT '{}'::jsonb,
    unknown_codes jsonb NOT NULL DEFAULT '{}'::jsonb,
    code_teams jsonb NOT NULL DEFAULT '{}'::jsonb,
    agreed_reason text NOT NULL DEFAULT ''::text,
    preview jsonb NOT NULL DEFAULT '{}'::jsonb,
    asked jsonb NOT NULL DEFAULT '{}'::jsonb,
    statement text NOT NULL DEFAULT ''::text,
    statement_on date,
    evidence bigint NOT NULL DEFAULT '0'::bigint,
    evidence_idle bigint NOT NULL DEFAULT '0'::bigint,
    lifts_stops boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_imports PRIMARY KEY (id),
    CONSTRAINT uq_imports_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_imports_lifts_stops CHECK (((NOT lifts_stops) OR (stop_reason <> ''::text))),
    CONSTRAINT ck_imports_state CHECK ((state = ANY (ARRAY['opening'::text, 'draft'::text, 'checking'::text, 'ready'::text, 'importing'::text, 'done'::text, 'cancelled'::text, 'failed'::text]))),
    CONSTRAINT fk_imports_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_imports_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_imports_expiring ON imports USING btree (tenant_id, expires_at) WHERE (((file_key <> ''::text) OR (result_key <> ''::text)) AND (state <> ALL (ARRAY['opening'::text, 'checking'::text, 'importing'::text])));
CREATE INDEX ix_imports_finished ON imports USING btree (tenant_id, finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX ix_imports_latest ON imports USING btree (tenant_id, id DESC);
CREATE INDEX ix_imports_working ON imports USING btree (tenant_id, touched_at) WHERE (state = ANY (ARRAY['opening'::text, 'checking'::text, 'importing'::text]));
ALTER TABLE imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE imports FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON imports FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON imports FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON imports USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON imports TO cadence_app;
GRANT SELECT ON imports TO cadence_backup;
GRANT SELECT (id, tenant_id, file_key, state, touched_at, finished_at, expires_at, result_key) ON imports TO cadence_lookup;
GRANT USAGE ON SEQUENCE imports_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE imports_id_seq TO cadence_backup;

CREATE TABLE inbound_beat (
    id bigint NOT NULL,
    beat_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_inbound_beat PRIMARY KEY (id),
    CONSTRAINT ck_inbound_beat_one CHECK ((id = 1))
);
GRANT SELECT, UPDATE ON inbound_beat TO cadence_app;
GRANT SELECT ON inbound_beat TO cadence_backup;

CREATE TABLE inbound_gaps (
    id bigserial,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_inbound_gaps PRIMARY KEY (id)
);
CREATE INDEX ix_inbound_gaps_ended ON inbound_gaps USING btree (ended_at);
GRANT SELECT, INSERT ON inbound_gaps TO cadence_app;
GRANT SELECT ON inbound_gaps TO cadence_backup;
GRANT SELECT (ended_at) ON inbound_gaps TO cadence_lookup;
GRANT USAGE ON SEQUENCE inbound_gaps_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE inbound_gaps_id_seq TO cadence_backup;

CREATE TABLE inbox_notices (
    inbox_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    recent bigint[] NOT NULL,
    quiet_until timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_inbox_notices PRIMARY KEY (inbox_id),
    CONSTRAINT fk_inbox_notices_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_inbox_notices_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_inbox_notices_tenant_id ON inbox_notices USING btree (tenant_id);
ALTER TABLE inbox_notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox_notices FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON inbox_notices FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON inbox_notices FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON inbox_notices USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_notices TO cadence_app;
GRANT SELECT ON inbox_notices TO cadence_backup;
GRANT SELECT (inbox_id, recent, quiet_until) ON inbox_notices TO cadence_lookup;

CREATE TABLE inboxes (
    id bigserial,
    tenant_id bigint NOT NULL,
    team_id bigint NOT NULL,
    user_id bigint,
    kind text NOT NULL,
    name text NOT NULL,
    number text NOT NULL,
    provider text NOT NULL,
    closed_at timestamp with time zone,
    texts_per_second bigint NOT NULL DEFAULT '5'::bigint,
    next_text_at timestamp with time zone,
    carrier_account_id bigint,
    CONSTRAINT pk_inboxes PRIMARY KEY (id),
    CONSTRAINT uq_inboxes_number UNIQUE (number),
    CONSTRAINT uq_inboxes_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_inboxes_kind CHECK ((kind = ANY (ARRAY['shared'::text, 'personal'::text]))),
    CONSTRAINT ck_inboxes_owner CHECK (((kind = 'personal'::text) = (user_id IS NOT NULL))),
    CONSTRAINT ck_inboxes_texts_per_second CHECK ((texts_per_second > 0)),
    CONSTRAINT fk_inboxes_carrier_account_id FOREIGN KEY (tenant_id, carrier_account_id) REFERENCES carrier_accounts(tenant_id, id),
    CONSTRAINT fk_inboxes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_inboxes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_inboxes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_inboxes_tenant_id ON inboxes USING btree (tenant_id);
ALTER TABLE inboxes ENABLE ROW LEVEL SECURITY;
ALTER TABLE inboxes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON inboxes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON inboxes FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON inboxes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON inboxes TO cadence_app;
GRANT SELECT ON inboxes TO cadence_backup;
GRANT SELECT (id, tenant_id, number, next_text_at, carrier_account_id) ON inboxes TO cadence_lookup;
GRANT USAGE ON SEQUENCE inboxes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE inboxes_id_seq TO cadence_backup;

CREATE TABLE leases (
    tenant_id bigint NOT NULL,
    name text NOT NULL,
    holder text NOT NULL,
    until timestamp with time zone NOT NULL,
    fence bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT pk_leases PRIMARY KEY (tenant_id, name),
    CONSTRAINT fk_leases_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE leases FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON leases FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON leases USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO cadence_app;
GRANT SELECT ON leases TO cadence_backup;
GRANT USAGE ON SEQUENCE leases_fence_seq TO cadence_app;
GRANT SELECT ON SEQUENCE leases_fence_seq TO cadence_backup;

CREATE TABLE legal_holds (
    contact_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    reason text NOT NULL,
    set_by_id bigint NOT NULL,
    set_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_legal_holds PRIMARY KEY (contact_id),
    CONSTRAINT fk_legal_holds_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_legal_holds_set_by_id FOREIGN KEY (tenant_id, set_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_legal_holds_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_legal_holds_tenant ON legal_holds USING btree (tenant_id, set_at);
ALTER TABLE legal_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_holds FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON legal_holds FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON legal_holds USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON legal_holds TO cadence_app;
GRANT SELECT ON legal_holds TO cadence_backup;

CREATE TABLE message_media (
    id bigserial,
    tenant_id bigint NOT NULL,
    message_id bigint NOT NULL,
    "position" bigint NOT NULL,
    account_id bigint,
    url text NOT NULL,
    file_name text NOT NULL,
    content_type text NOT NULL,
    size bigint,
    sha256 text NOT NULL,
    file_key text NOT NULL,
    state text NOT NULL,
    problem text NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at timestamp with time zone,
    CONSTRAINT pk_message_media PRIMARY KEY (id),
    CONSTRAINT uq_message_media_message_id_position UNIQUE (message_id, "position"),
    CONSTRAINT ck_message_media_state CHECK ((state = ANY (ARRAY['waiting'::text, 'stored'::text, 'failed'::text]))),
    CONSTRAINT ck_message_media_waiting CHECK (((state = 'waiting'::text) = (next_attempt_at IS NOT NULL))),
    CONSTRAINT fk_message_media_account_id FOREIGN KEY (tenant_id, account_id) REFERENCES carrier_accounts(tenant_id, id),
    CONSTRAINT fk_message_media_message_id FOREIGN KEY (tenant_id, message_id) REFERENCES messages(tenant_id, id),
    CONSTRAINT fk_message_media_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_message_media_waiting ON message_media USING btree (tenant_id, next_attempt_at) WHERE (next_attempt_at IS NOT NULL);
CREATE TRIGGER file_discarded_with_row AFTER DELETE ON message_media FOR EACH ROW WHEN ((old.file_key <> ''::text)) EXECUTE FUNCTION discard_media_file();
ALTER TABLE message_media ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_media FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON message_media FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON message_media FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON message_media USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON message_media TO cadence_app;
GRANT SELECT ON message_media TO cadence_backup;
GRANT SELECT (id, tenant_id, next_attempt_at) ON message_media TO cadence_lookup;
GRANT USAGE ON SEQUENCE message_media_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE message_media_id_seq TO cadence_backup;

CREATE TABLE message_words (
    message_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT pk_message_words PRIMARY KEY (message_id),
    CONSTRAINT fk_message_words_message_id FOREIGN KEY (tenant_id, message_id) REFERENCES messages(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_message_words_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_message_words_at ON message_words USING btree (tenant_id, at);
CREATE INDEX ix_message_words_words ON message_words USING gin (words) WITH (fastupdate=off);
ALTER TABLE message_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_words FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON message_words FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON message_words FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON message_words USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT ON message_words TO cadence_app;
GRANT SELECT ON message_words TO cadence_backup;
GRANT SELECT (message_id, tenant_id, conversation_id, at, words) ON message_words TO cadence_lookup;

CREATE TABLE messages (
    id bigserial,
    tenant_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    direction text NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    detail text NOT NULL,
    user_id bigint,
    provider_message_id text,
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    provider_at timestamp with time zone,
    expires_at timestamp with time zone,
    opened_at timestamp with time zone,
    other_number text,
    campaign_id bigint,
    by_hand boolean NOT NULL DEFAULT true,
    send_key text,
    attempts bigint NOT NULL DEFAULT '0'::bigint,
    sending_since timestamp with time zone,
    next_attempt_at timestamp with time zone,
    failure_code text NOT NULL DEFAULT ''::text,
    confirms_team_id bigint,
    unsent_reason text,
    answered_since timestamp with time zone,
    needs_reply boolean NOT NULL DEFAULT false,
    held_until timestamp with time zone,
    decided_at timestamp with time zone,
    decided_standing text,
    decided_change_id bigint,
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT uq_messages_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_messages_direction CHECK ((direction = ANY (ARRAY['inbound'::text, 'outbound'::text]))),
    CONSTRAINT ck_messages_state CHECK ((state = ANY (ARRAY['received'::text, 'queued'::text, 'sending'::text, 'sent'::text, 'delivered'::text, 'failed'::text, 'suppressed'::text, 'dropped'::text]))),
    CONSTRAINT ck_messages_unsent_reason CHECK ((unsent_reason = ANY (ARRAY['not_in_team'::text, 'inbox_closed'::text, 'organisation_suspended'::text, 'number_unsendable'::text, 'opted_out'::text, 'opted_in_again'::text, 'personal_opt_out'::text, 'carrier_block'::text, 'possible_opt_out'::text, 'too_late'::text, 'cancelled'::text, 'carrier_answers'::text, 'carrier_refused'::text, 'carrier_busy'::text, 'carrier_unusable'::text, 'lost_sight'::text, 'no_text'::text]))),
    CONSTRAINT fk_messages_campaign_id FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns(tenant_id, id),
    CONSTRAINT fk_messages_confirms_team_id FOREIGN KEY (tenant_id, confirms_team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_messages_conversation_id FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations(tenant_id, id),
    CONSTRAINT fk_messages_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_messages_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_messages_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_messages_activity ON messages USING btree (tenant_id, created_at);
CREATE INDEX ix_messages_campaign_id ON messages USING btree (campaign_id) WHERE (campaign_id IS NOT NULL);
CREATE INDEX ix_messages_going ON messages USING btree (conversation_id, id) WHERE (state = ANY (ARRAY['queued'::text, 'sending'::text]));
CREATE INDEX ix_messages_outgoing ON messages USING btree (tenant_id, inbox_id, kind, id) WHERE ((state = 'queued'::text) AND (campaign_id IS NULL));
CREATE INDEX ix_messages_queued ON messages USING btree (tenant_id, id) WHERE (state = 'queued'::text);
CREATE INDEX ix_messages_sent ON messages USING btree (tenant_id, created_at) INCLUDE (inbox_id) WHERE ((direction = 'outbound'::text) AND (kind = 'person'::text) AND (state = ANY (ARRAY['sent'::text, 'delivered'::text])));
CREATE INDEX ix_messages_thread ON messages USING btree (conversation_id, id);
CREATE INDEX ix_messages_unopened ON messages USING btree (conversation_id) WHERE ((direction = 'inbound'::text) AND (opened_at IS NULL));
CREATE INDEX ix_messages_unregistered ON messages USING btree (tenant_id, created_at) WHERE (failure_code = ANY (ARRAY['30034'::text, '30032'::text]));
CREATE INDEX ix_messages_unsettled ON messages USING btree (tenant_id, COALESCE(next_attempt_at, sending_since)) WHERE ((state = 'sending'::text) AND (campaign_id IS NULL));
CREATE TRIGGER keep_changed_words AFTER UPDATE OF body, conversation_id, created_at ON messages FOR EACH ROW WHEN ((((old.body IS DISTINCT FROM new.body) OR (old.conversation_id IS DISTINCT FROM new.conversation_id)) OR (old.created_at IS DISTINCT FROM new.created_at))) EXECUTE FUNCTION keep_words_of_messages();
CREATE TRIGGER keep_words AFTER INSERT ON messages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_messages();
CREATE TRIGGER recount_delete AFTER DELETE ON messages FOR EACH ROW WHEN ((old.created_at < (now() - '12:00:00'::interval))) EXECUTE FUNCTION note_late_text();
CREATE TRIGGER recount_insert AFTER INSERT ON messages FOR EACH ROW WHEN ((new.created_at < (now() - '12:00:00'::interval))) EXECUTE FUNCTION note_late_text();
CREATE TRIGGER recount_update AFTER UPDATE OF conversation_id, inbox_id, direction, kind, state, user_id, campaign_id, opened_at, created_at ON messages FOR EACH ROW WHEN (((LEAST(old.created_at, new.created_at) < (now() - '12:00:00'::interval)) AND ((old.conversation_id IS DISTINCT FROM new.conversation_id) OR (old.inbox_id IS DISTINCT FROM new.inbox_id) OR (old.direction IS DISTINCT FROM new.direction) OR (old.kind IS DISTINCT FROM new.kind) OR (old.state IS DISTINCT FROM new.state) OR (old.user_id IS DISTINCT FROM new.user_id) OR (old.campaign_id IS DISTINCT FROM new.campaign_id) OR (old.opened_at IS DISTINCT FROM new.opened_at) OR (old.created_at IS DISTINCT FROM new.created_at)))) EXECUTE FUNCTION note_late_text();
CREATE UNIQUE INDEX uq_messages_provider ON messages USING btree (inbox_id, provider_message_id) WHERE (provider_message_id IS NOT NULL);
CREATE UNIQUE INDEX uq_messages_send_key ON messages USING btree (send_key) WHERE (send_key IS NOT NULL);
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON messages FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON messages FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON messages USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON messages TO cadence_app;
GRANT SELECT ON messages TO cadence_backup;
GRANT SELECT (id, tenant_id, inbox_id, direction, state, created_at, opened_at, campaign_id, sending_since, next_attempt_at, held_until) ON messages TO cadence_lookup;
GRANT USAGE ON SEQUENCE messages_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE messages_id_seq TO cadence_backup;

CREATE TABLE note_words (
    note_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT pk_note_words PRIMARY KEY (note_id),
    CONSTRAINT fk_note_words_note_id FOREIGN KEY (tenant_id, note_id) REFERENCES notes(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_note_words_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_note_words_at ON note_words USING btree (tenant_id, at);
CREATE INDEX ix_note_words_words ON note_words USING gin (words) WITH (fastupdate=off);
ALTER TABLE note_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE note_words FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON note_words FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON note_words FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON note_words USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT ON note_words TO cadence_app;
GRANT SELECT ON note_words TO cadence_backup;
GRANT SELECT (note_id, tenant_id, conversation_id, at, words) ON note_words TO cadence_lookup;

CREATE TABLE notes (
    id bigserial,
    tenant_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    user_id bigint NOT NULL,
    body text NOT NULL,
    mentions jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_notes PRIMARY KEY (id),
    CONSTRAINT uq_notes_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT fk_notes_conversation_id FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations(tenant_id, id),
    CONSTRAINT fk_notes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_notes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_notes_thread ON notes USING btree (conversation_id, id);
CREATE TRIGGER keep_changed_words AFTER UPDATE OF body, conversation_id, created_at ON notes FOR EACH ROW WHEN ((((old.body IS DISTINCT FROM new.body) OR (old.conversation_id IS DISTINCT FROM new.conversation_id)) OR (old.created_at IS DISTINCT FROM new.created_at))) EXECUTE FUNCTION keep_words_of_notes();
CREATE TRIGGER keep_words AFTER INSERT ON notes REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_notes();
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON notes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON notes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO cadence_app;
GRANT SELECT ON notes TO cadence_backup;
GRANT USAGE ON SEQUENCE notes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE notes_id_seq TO cadence_backup;

CREATE TABLE notification_recipients (
    id bigserial,
    tenant_id bigint NOT NULL,
    rule_id bigint NOT NULL,
    email text NOT NULL,
    added_at timestamp with time zone NOT NULL DEFAULT now(),
    unsubscribed_at timestamp with time zone,
    CONSTRAINT pk_notification_recipients PRIMARY KEY (id),
    CONSTRAINT fk_notification_recipients_rule_id FOREIGN KEY (tenant_id, rule_id) REFERENCES notification_rules(tenant_id, id),
    CONSTRAINT fk_notification_recipients_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX uq_notification_recipients_email ON notification_recipients USING btree (rule_id, lower(email));
ALTER TABLE notification_recipients ENABLE ROW LEVEL SECURITY;
ALTER TABLE notification_recipients FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON notification_recipients FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON notification_recipients USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_recipients TO cadence_app;
GRANT SELECT ON notification_recipients TO cadence_backup;
GRANT USAGE ON SEQUENCE notification_recipients_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE notification_recipients_id_seq TO cadence_backup;

CREATE TABLE notification_rules (
    id bigserial,
    tenant_id bigint NOT NULL,
    team_id bigint NOT NULL,
    event text NOT NULL,
    enabled boolean NOT NULL,
    pace text NOT NULL,
    cursor bigint NOT NULL,
    digest_at timestamp with time zone,
    CONSTRAINT pk_notification_rules PRIMARY KEY (id),
    CONSTRAINT uq_notification_rules_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_notification_rules_tenant_id_team_id_event UNIQUE (tenant_id, team_id, event),
    CONSTRAINT ck_notification_rules_digest CHECK (((pace = 'daily'::text) = (digest_at IS NOT NULL))),
    CONSTRAINT ck_notification_rules_event CHECK ((event = ANY (ARRAY['status_change'::text, 'unknown_contact'::text, 'contact_added'::text]))),
    CONSTRAINT ck_notification_rules_pace CHECK ((pace = ANY (ARRAY['immediate'::text, 'daily'::text]))),
    CONSTRAINT fk_notification_rules_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_notification_rules_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE notification_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE notification_rules FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON notification_rules FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON notification_rules FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON notification_rules USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON notification_rules TO cadence_app;
GRANT SELECT ON notification_rules TO cadence_backup;
GRANT SELECT (id, tenant_id, enabled, cursor, digest_at) ON notification_rules TO cadence_lookup;
GRANT USAGE ON SEQUENCE notification_rules_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE notification_rules_id_seq TO cadence_backup;

CREATE TABLE number_key_check (
    single boolean NOT NULL DEFAULT true,
    digest bytea NOT NULL,
    CONSTRAINT pk_number_key_check PRIMARY KEY (single),
    CONSTRAINT ck_number_key_check_single CHECK (single)
);
GRANT SELECT ON number_key_check TO cadence_app;
GRANT SELECT ON number_key_check TO cadence_backup;

CREATE TABLE number_stops (
    id bigserial,
    tenant_id bigint NOT NULL,
    digest bytea NOT NULL,
    scope text NOT NULL,
    team_id bigint,
    said_at timestamp with time zone NOT NULL,
    origin text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT pk_number_stops PRIMARY KEY (id),
    CONSTRAINT uq_number_stops_tenant_id_digest_scope_team_id UNIQUE NULLS NOT DISTINCT (tenant_id, digest, scope, team_id),
    CONSTRAINT ck_number_stops_origin CHECK ((origin = ANY (ARRAY['text'::text, 'erased'::text, 'aged'::text]))),
    CONSTRAINT ck_number_stops_scope CHECK ((scope = ANY (ARRAY['team'::text, 'personal'::text, 'organisation'::text]))),
    CONSTRAINT ck_number_stops_team CHECK (((scope = 'team'::text) = (team_id IS NOT NULL))),
    CONSTRAINT fk_number_stops_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_number_stops_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE number_stops ENABLE ROW LEVEL SECURITY;
ALTER TABLE number_stops FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON number_stops FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON number_stops USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON number_stops TO cadence_app;
GRANT SELECT ON number_stops TO cadence_backup;
GRANT USAGE ON SEQUENCE number_stops_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE number_stops_id_seq TO cadence_backup;

CREATE TABLE numbers_to_mend (
    contact_id bigint NOT NULL,
    number text NOT NULL,
    tenant_id bigint NOT NULL,
    found_at timestamp with time zone NOT NULL DEFAULT now(),
    left_at timestamp with time zone,
    left_by_id bigint,
    CONSTRAINT pk_numbers_to_mend PRIMARY KEY (contact_id, number),
    CONSTRAINT fk_numbers_to_mend_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_numbers_to_mend_left_by_id FOREIGN KEY (tenant_id, left_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_numbers_to_mend_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_numbers_to_mend_tenant ON numbers_to_mend USING btree (tenant_id, contact_id);
ALTER TABLE numbers_to_mend ENABLE ROW LEVEL SECURITY;
ALTER TABLE numbers_to_mend FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON numbers_to_mend FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON numbers_to_mend USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON numbers_to_mend TO cadence_app;
GRANT SELECT ON numbers_to_mend TO cadence_backup;

CREATE TABLE operator_entries (
    id bigserial,
    at timestamp with time zone NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    CONSTRAINT pk_operator_entries PRIMARY KEY (id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON operator_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_operator_entries();
GRANT SELECT, INSERT ON operator_entries TO cadence_app;
GRANT SELECT ON operator_entries TO cadence_backup;
GRANT USAGE ON SEQUENCE operator_entries_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE operator_entries_id_seq TO cadence_backup;

CREATE TABLE operators (
    id bigserial,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    active boolean NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    last_sign_in_at timestamp with time zone,
    session_key text NOT NULL DEFAULT ''::text,
    second_factor_secret text NOT NULL DEFAULT ''::text,
    second_factor_since timestamp with time zone,
    second_factor_step bigint NOT NULL DEFAULT '0'::bigint,
    recovery_codes bytea[] NOT NULL DEFAULT '{}'::bytea[],
    CONSTRAINT pk_operators PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_operators_email ON operators USING btree (lower(email));
GRANT SELECT, INSERT, UPDATE ON operators TO cadence_app;
GRANT SELECT ON operators TO cadence_backup;
GRANT USAGE ON SEQUENCE operators_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE operators_id_seq TO cadence_backup;

CREATE TABLE opt_out_changes (
    id bigserial,
    tenant_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    status text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    user_id bigint,
    message_id bigint,
    first_name text NOT NULL,
    last_name text NOT NULL,
    external_id text NOT NULL,
    number text NOT NULL,
    team_code text NOT NULL,
    user_name text NOT NULL,
    words text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT pk_opt_out_changes PRIMARY KEY (id),
    CONSTRAINT uq_opt_out_changes_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_opt_out_changes_source CHECK ((source = ANY (ARRAY['cold_inbound'::text, 'manual_add'::text, 'keyword'::text, 'toggle'::text, 'import'::text, 'api'::text, 'number_change'::text, 'merge'::text]))),
    CONSTRAINT ck_opt_out_changes_status CHECK ((status = ANY (ARRAY['opted_in'::text, 'opted_out'::text]))),
    CONSTRAINT fk_opt_out_changes_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_opt_out_changes_message_id FOREIGN KEY (tenant_id, message_id) REFERENCES messages(tenant_id, id),
    CONSTRAINT fk_opt_out_changes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_opt_out_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_opt_out_changes_carried ON opt_out_changes USING btree (tenant_id, changed_at, id) INCLUDE (team_id, user_id, status, source) WHERE (source = ANY (ARRAY['number_change'::text, 'merge'::text]));
CREATE INDEX ix_opt_out_changes_contact ON opt_out_changes USING btree (contact_id, team_id, id);
CREATE INDEX ix_opt_out_changes_day ON opt_out_changes USING btree (tenant_id, changed_at, id);
CREATE INDEX ix_opt_out_changes_message ON opt_out_changes USING btree (message_id) WHERE (message_id IS NOT NULL);
CREATE INDEX ix_opt_out_changes_report ON opt_out_changes USING btree (tenant_id, changed_at, id) INCLUDE (team_id, user_id, status, source) WHERE (source = ANY (ARRAY['cold_inbound'::text, 'manual_add'::text, 'keyword'::text, 'toggle'::text]));
CREATE INDEX ix_opt_out_changes_threes ON opt_out_changes USING gin (threes(lower(((((((first_name || ' '::text) || last_name) || ' '::text) || external_id) || ' '::text) || number))));
CREATE TRIGGER announced BEFORE INSERT ON opt_out_changes FOR EACH STATEMENT EXECUTE FUNCTION announce_history();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON opt_out_changes FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON opt_out_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER recount_delete AFTER DELETE ON opt_out_changes FOR EACH ROW WHEN ((old.changed_at < (now() - '12:00:00'::interval))) EXECUTE FUNCTION note_late_change();
CREATE TRIGGER recount_insert AFTER INSERT ON opt_out_changes FOR EACH ROW WHEN ((new.changed_at < (now() - '12:00:00'::interval))) EXECUTE FUNCTION note_late_change();
CREATE TRIGGER recount_update AFTER UPDATE OF team_id, source, status, user_id, changed_at ON opt_out_changes FOR EACH ROW WHEN (((LEAST(old.changed_at, new.changed_at) < (now() - '12:00:00'::interval)) AND ((old.team_id IS DISTINCT FROM new.team_id) OR (old.source IS DISTINCT FROM new.source) OR (old.status IS DISTINCT FROM new.status) OR (old.user_id IS DISTINCT FROM new.user_id) OR (old.changed_at IS DISTINCT FROM new.changed_at)))) EXECUTE FUNCTION note_late_change();
CREATE TRIGGER sealed_days AFTER INSERT ON opt_out_changes REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_sealed_day();
ALTER TABLE opt_out_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE opt_out_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON opt_out_changes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON opt_out_changes FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON opt_out_changes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT ON opt_out_changes TO cadence_app;
GRANT SELECT ON opt_out_changes TO cadence_backup;
GRANT SELECT (id, tenant_id, changed_at, first_name, last_name, external_id, number) ON opt_out_changes TO cadence_lookup;
GRANT SELECT, USAGE ON SEQUENCE opt_out_changes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE opt_out_changes_id_seq TO cadence_backup;

CREATE TABLE out_of_office (
    inbox_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    mode text NOT NULL,
    body text NOT NULL,
    hours jsonb NOT NULL,
    time_zone text NOT NULL,
    user_id bigint,
    set_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_out_of_office PRIMARY KEY (inbox_id),
    CONSTRAINT ck_out_of_office_mode CHECK ((mode = ANY (ARRAY['off'::text, 'on'::text, 'hours'::text]))),
    CONSTRAINT fk_out_of_office_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_out_of_office_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_out_of_office_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_out_of_office_tenant_id ON out_of_office USING btree (tenant_id);
ALTER TABLE out_of_office ENABLE ROW LEVEL SECURITY;
ALTER TABLE out_of_office FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON out_of_office FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON out_of_office USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON out_of_office TO cadence_app;
GRANT SELECT ON out_of_office TO cadence_backup;

CREATE TABLE outgoing_mails (
    id bigserial,
    tenant_id bigint NOT NULL,
    kind text NOT NULL,
    recipient text NOT NULL,
    recipient_name text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    useless_after timestamp with time zone,
    attempts bigint NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now(),
    sent_at timestamp with time zone,
    problem text NOT NULL,
    CONSTRAINT pk_outgoing_mails PRIMARY KEY (id),
    CONSTRAINT fk_outgoing_mails_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_outgoing_mails_due ON outgoing_mails USING btree (tenant_id, LEAST(next_attempt_at, useless_after)) WHERE (next_attempt_at IS NOT NULL);
CREATE INDEX ix_outgoing_mails_ended ON outgoing_mails USING btree (tenant_id, created_at) WHERE (next_attempt_at IS NULL);
ALTER TABLE outgoing_mails ENABLE ROW LEVEL SECURITY;
ALTER TABLE outgoing_mails FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON outgoing_mails FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON outgoing_mails FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON outgoing_mails USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON outgoing_mails TO cadence_app;
GRANT SELECT ON outgoing_mails TO cadence_backup;
GRANT SELECT (id, tenant_id, created_at, useless_after, next_attempt_at) ON outgoing_mails TO cadence_lookup;
GRANT USAGE ON SEQUENCE outgoing_mails_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE outgoing_mails_id_seq TO cadence_backup;

CREATE TABLE possible_opt_outs (
    id bigserial,
    tenant_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    message_id bigint,
    words text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    due_on date NOT NULL,
    decision text NOT NULL,
    decided_at timestamp with time zone,
    decided_by_id bigint,
    message_ids bigint[] NOT NULL DEFAULT '{}'::bigint[],
    phrases text NOT NULL DEFAULT ''::text,
    classifier bigint,
    numbers text[] NOT NULL DEFAULT '{}'::text[],
    said_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_possible_opt_outs PRIMARY KEY (id),
    CONSTRAINT ck_possible_opt_outs_decision CHECK ((decision = ANY (ARRAY['open'::text, 'opted_out'::text, 'dismissed'::text]))),
    CONSTRAINT fk_possible_opt_outs_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_possible_opt_outs_decided_by_id FOREIGN KEY (tenant_id, decided_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_possible_opt_outs_message_id FOREIGN KEY (tenant_id, message_id) REFERENCES messages(tenant_id, id),
    CONSTRAINT fk_possible_opt_outs_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_possible_opt_outs_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_possible_opt_outs_contact ON possible_opt_outs USING btree (contact_id);
CREATE INDEX ix_possible_opt_outs_message ON possible_opt_outs USING btree (message_id);
CREATE INDEX ix_possible_opt_outs_queue ON possible_opt_outs USING btree (tenant_id, due_on, id) WHERE (decision = 'open'::text);
CREATE UNIQUE INDEX uq_possible_opt_outs_open ON possible_opt_outs USING btree (contact_id, team_id) WHERE (decision = 'open'::text);
ALTER TABLE possible_opt_outs ENABLE ROW LEVEL SECURITY;
ALTER TABLE possible_opt_outs FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON possible_opt_outs FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON possible_opt_outs USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON possible_opt_outs TO cadence_app;
GRANT SELECT ON possible_opt_outs TO cadence_backup;
GRANT USAGE ON SEQUENCE possible_opt_outs_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE possible_opt_outs_id_seq TO cadence_backup;

CREATE TABLE push_keys (
    tenant_id bigint NOT NULL,
    public_key text NOT NULL,
    private_key text NOT NULL,
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_push_keys PRIMARY KEY (tenant_id),
    CONSTRAINT fk_push_keys_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE push_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE push_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON push_keys FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON push_keys USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON push_keys TO cadence_app;
GRANT SELECT ON push_keys TO cadence_backup;

CREATE TABLE push_notices (
    id bigserial,
    tenant_id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    kind text NOT NULL,
    tag text NOT NULL,
    inbox_id bigint,
    queued_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    useless_after timestamp with time zone NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_push_notices PRIMARY KEY (id),
    CONSTRAINT uq_push_notices_subscription_id_tag UNIQUE (subscription_id, tag),
    CONSTRAINT ck_push_notices_inbox CHECK (((kind = 'texts'::text) = (inbox_id IS NOT NULL))),
    CONSTRAINT ck_push_notices_kind CHECK ((kind = ANY (ARRAY['texts'::text, 'for_me'::text, 'test'::text]))),
    CONSTRAINT fk_push_notices_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes(tenant_id, id),
    CONSTRAINT fk_push_notices_subscription_id FOREIGN KEY (tenant_id, subscription_id) REFERENCES push_subscriptions(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_push_notices_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_push_notices_due ON push_notices USING btree (tenant_id, next_attempt_at);
CREATE INDEX ix_push_notices_inbox ON push_notices USING btree (inbox_id);
ALTER TABLE push_notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE push_notices FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON push_notices FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON push_notices FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON push_notices USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON push_notices TO cadence_app;
GRANT SELECT ON push_notices TO cadence_backup;
GRANT SELECT (id, tenant_id, next_attempt_at) ON push_notices TO cadence_lookup;
GRANT USAGE ON SEQUENCE push_notices_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE push_notices_id_seq TO cadence_backup;

CREATE TABLE push_subscriptions (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    session_id bigint NOT NULL,
    endpoint text NOT NULL,
    endpoint_hash bytea NOT NULL,
    p256dh text NOT NULL,
    auth text NOT NULL,
    public_key text NOT NULL,
    device text NOT NULL,
    told_since timestamp with time zone NOT NULL DEFAULT now(),
    worked_at timestamp with time zone,
    CONSTRAINT pk_push_subscriptions PRIMARY KEY (id),
    CONSTRAINT uq_push_subscriptions_tenant_id_endpoint_hash UNIQUE (tenant_id, endpoint_hash),
    CONSTRAINT uq_push_subscriptions_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT fk_push_subscriptions_session_id FOREIGN KEY (tenant_id, session_id) REFERENCES sign_in_sessions(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_push_subscriptions_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_push_subscriptions_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_push_subscriptions_session ON push_subscriptions USING btree (session_id);
CREATE INDEX ix_push_subscriptions_user ON push_subscriptions USING btree (user_id);
ALTER TABLE push_subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE push_subscriptions FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON push_subscriptions FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON push_subscriptions FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON push_subscriptions USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON push_subscriptions TO cadence_app;
GRANT SELECT ON push_subscriptions TO cadence_backup;
GRANT SELECT (tenant_id) ON push_subscriptions TO cadence_lookup;
GRANT USAGE ON SEQUENCE push_subscriptions_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE push_subscriptions_id_seq TO cadence_backup;

CREATE TABLE recovery_codes (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (id),
    CONSTRAINT uq_recovery_codes_user_id_code_hash UNIQUE (user_id, code_hash),
    CONSTRAINT fk_recovery_codes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_recovery_codes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON recovery_codes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON recovery_codes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_codes TO cadence_app;
GRANT SELECT ON recovery_codes TO cadence_backup;
GRANT USAGE ON SEQUENCE recovery_codes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE recovery_codes_id_seq TO cadence_backup;

CREATE TABLE retention_items (
    run_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    last_at timestamp with time zone NOT NULL,
    conversations bigint NOT NULL,
    texts bigint NOT NULL,
    changes bigint NOT NULL,
    fate text NOT NULL,
    CONSTRAINT pk_retention_items PRIMARY KEY (run_id, contact_id),
    CONSTRAINT ck_retention_items_fate CHECK ((fate = ANY (ARRAY['listed'::text, 'removed'::text, 'kept'::text]))),
    CONSTRAINT fk_retention_items_run_id FOREIGN KEY (tenant_id, run_id) REFERENCES retention_runs(tenant_id, id),
    CONSTRAINT fk_retention_items_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_retention_items_left ON retention_items USING btree (run_id, contact_id) WHERE (fate = 'listed'::text);
ALTER TABLE retention_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE retention_items FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON retention_items FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON retention_items USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON retention_items TO cadence_app;
GRANT SELECT ON retention_items TO cadence_backup;

CREATE TABLE retention_runs (
    id bigserial,
    tenant_id bigint NOT NULL,
    state text NOT NULL,
    automatic boolean NOT NULL,
    years bigint NOT NULL,
    before timestamp with time zone NOT NULL,
    requested_by_id bigint,
    requested_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    touched_at timestamp with time zone NOT NULL DEFAULT now(),
    counted_up_to bigint NOT NULL,
    mailed_at timestamp with time zone,
    remove_at timestamp with time zone,
    approved_by_id bigint,
    approved_at timestamp with time zone,
    finished_at timestamp with time zone,
    digest text NOT NULL,
    problem text NOT NULL,
    CONSTRAINT pk_retention_runs PRIMARY KEY (id),
    CONSTRAINT uq_retention_runs_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_retention_runs_state CHECK ((state = ANY (ARRAY['counting'::text, 'ready'::text, 'waiting'::text, 'removing'::text, 'done'::text, 'stopped'::text, 'failed'::text]))),
    CONSTRAINT fk_retention_runs_approved_by_id FOREIGN KEY (tenant_id, approved_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_retention_runs_requested_by_id FOREIGN KEY (tenant_id, requested_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_retention_runs_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_retention_runs_latest ON retention_runs USING btree (tenant_id, id DESC);
CREATE UNIQUE INDEX uq_retention_runs_open ON retention_runs USING btree (tenant_id) WHERE (state = ANY (ARRAY['counting'::text, 'ready'::text, 'waiting'::text, 'removing'::text]));
ALTER TABLE retention_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE retention_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON retention_runs FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON retention_runs FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON retention_runs USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON retention_runs TO cadence_app;
GRANT SELECT ON retention_runs TO cadence_backup;
GRANT SELECT (id, tenant_id, state, automatic, requested_at, touched_at, remove_at) ON retention_runs TO cadence_lookup;
GRANT USAGE ON SEQUENCE retention_runs_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE retention_runs_id_seq TO cadence_backup;

CREATE TABLE retired_changes (
    id bigserial,
    tenant_id bigint NOT NULL,
    change_id bigint NOT NULL,
    day date NOT NULL,
    digest bytea NOT NULL,
    how text NOT NULL,
    retired_at timestamp with time zone NOT NULL DEFAULT statement_timestamp(),
    user_id bigint,
    user_name text NOT NULL,
    reason text NOT NULL,
    replaced bytea,
    CONSTRAINT pk_retired_changes PRIMARY KEY (id),
    CONSTRAINT uq_retired_changes_change_id_how UNIQUE (change_id, how),
    CONSTRAINT ck_retired_changes_how CHECK ((how = ANY (ARRAY['erased'::text, 'purged'::text]))),
    CONSTRAINT ck_retired_changes_replaced CHECK (((how = 'purged'::text) = (replaced IS NULL))),
    CONSTRAINT fk_retired_changes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_retired_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_retired_changes_day ON retired_changes USING btree (tenant_id, day, change_id);
CREATE INDEX ix_retired_changes_retired ON retired_changes USING btree (tenant_id, retired_at, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON retired_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER sealed_days AFTER INSERT ON retired_changes REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_retiring_on_sealed_day();
ALTER TABLE retired_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE retired_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON retired_changes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON retired_changes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT ON retired_changes TO cadence_app;
GRANT SELECT ON retired_changes TO cadence_backup;
GRANT USAGE ON SEQUENCE retired_changes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE retired_changes_id_seq TO cadence_backup;

CREATE TABLE retired_evidence (
    id bigserial,
    tenant_id bigint NOT NULL,
    evidence_id bigint NOT NULL,
    day date NOT NULL,
    digest bytea NOT NULL,
    how text NOT NULL,
    retired_at timestamp with time zone NOT NULL DEFAULT statement_timestamp(),
    user_id bigint,
    user_name text NOT NULL,
    reason text NOT NULL,
    replaced bytea,
    CONSTRAINT pk_retired_evidence PRIMARY KEY (id),
    CONSTRAINT uq_retired_evidence_evidence_id_how UNIQUE (evidence_id, how),
    CONSTRAINT ck_retired_evidence_how CHECK ((how = ANY (ARRAY['erased'::text, 'purged'::text]))),
    CONSTRAINT ck_retired_evidence_replaced CHECK (((how = 'purged'::text) = (replaced IS NULL))),
    CONSTRAINT fk_retired_evidence_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_retired_evidence_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_retired_evidence_day ON retired_evidence USING btree (tenant_id, day, evidence_id);
CREATE INDEX ix_retired_evidence_retired ON retired_evidence USING btree (tenant_id, retired_at, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON retired_evidence FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER sealed_days AFTER INSERT ON retired_evidence REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_retiring_on_sealed_day();
ALTER TABLE retired_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE retired_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON retired_evidence FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON retired_evidence USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT ON retired_evidence TO cadence_app;
GRANT SELECT ON retired_evidence TO cadence_backup;
GRANT SELECT ON SEQUENCE retired_evidence_id_seq TO cadence_backup;

CREATE TABLE saved_filters (
    id bigserial,
    tenant_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    shared boolean NOT NULL,
    filters jsonb NOT NULL,
    extra_columns jsonb NOT NULL,
    format text NOT NULL,
    days text NOT NULL,
    start_date date,
    end_date date,
    CONSTRAINT pk_saved_filters PRIMARY KEY (id),
    CONSTRAINT ck_saved_filters_days CHECK (((days = 'fixed'::text) = ((start_date IS NOT NULL) AND (end_date IS NOT NULL)))),
    CONSTRAINT ck_saved_filters_format CHECK ((format = ANY (ARRAY['csv'::text, 'xlsx'::text]))),
    CONSTRAINT fk_saved_filters_owner_id FOREIGN KEY (tenant_id, owner_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_saved_filters_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX uq_saved_filters_name ON saved_filters USING btree (tenant_id, owner_id, kind, lower(name));
ALTER TABLE saved_filters ENABLE ROW LEVEL SECURITY;
ALTER TABLE saved_filters FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON saved_filters FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON saved_filters USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_filters TO cadence_app;
GRANT SELECT ON saved_filters TO cadence_backup;
GRANT USAGE ON SEQUENCE saved_filters_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE saved_filters_id_seq TO cadence_backup;

CREATE TABLE scheduled_texts (
    id bigserial,
    tenant_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    user_id bigint NOT NULL,
    body text NOT NULL,
    send_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    message_id bigint,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pk_scheduled_texts PRIMARY KEY (id),
    CONSTRAINT ck_scheduled_texts_state CHECK ((state = ANY (ARRAY['waiting'::text, 'held'::text, 'missed'::text, 'sent'::text, 'cancelled'::text]))),
    CONSTRAINT fk_scheduled_texts_conversation_id FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations(tenant_id, id),
    CONSTRAINT fk_scheduled_texts_message_id FOREIGN KEY (tenant_id, message_id) REFERENCES messages(tenant_id, id),
    CONSTRAINT fk_scheduled_texts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_scheduled_texts_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_scheduled_texts_due ON scheduled_texts USING btree (tenant_id, state, send_at) WHERE (state = ANY (ARRAY['waiting'::text, 'held'::text]));
CREATE INDEX ix_scheduled_texts_message ON scheduled_texts USING btree (message_id) WHERE (message_id IS NOT NULL);
CREATE INDEX ix_scheduled_texts_open ON scheduled_texts USING btree (conversation_id, send_at) WHERE (state = ANY (ARRAY['waiting'::text, 'held'::text, 'missed'::text]));
ALTER TABLE scheduled_texts ENABLE ROW LEVEL SECURITY;
ALTER TABLE scheduled_texts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON scheduled_texts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON scheduled_texts FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON scheduled_texts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON scheduled_texts TO cadence_app;
GRANT SELECT ON scheduled_texts TO cadence_backup;
GRANT SELECT (id, tenant_id, send_at, state) ON scheduled_texts TO cadence_lookup;
GRANT USAGE ON SEQUENCE scheduled_texts_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE scheduled_texts_id_seq TO cadence_backup;

CREATE TABLE seal_checks (
    id bigserial,
    tenant_id bigint NOT NULL,
    requested_by_id bigint NOT NULL,
    requested_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL,
    touched_at timestamp with time zone NOT NULL DEFAULT now(),
    days bigint NOT NULL,
    days_total bigint,
    rows bigint NOT NULL,
    last_day date,
    last_digest bytea,
    problem text NOT NULL,
    problem_day date,
    problem_change_id bigint,
    finished_at timestamp with time zone,
    problem_evidence_id bigint,
    evidence bigint NOT NULL DEFAULT '0'::bigint,
    CONSTRAINT pk_seal_checks PRIMARY KEY (id),
    CONSTRAINT ck_seal_checks_state CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'intact'::text, 'differs'::text, 'failed'::text]))),
    CONSTRAINT fk_seal_checks_requested_by_id FOREIGN KEY (tenant_id, requested_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_seal_checks_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_seal_checks_latest ON seal_checks USING btree (tenant_id, id DESC);
CREATE UNIQUE INDEX uq_seal_checks_unfinished ON seal_checks USING btree (tenant_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));
ALTER TABLE seal_checks ENABLE ROW LEVEL SECURITY;
ALTER TABLE seal_checks FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON seal_checks FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON seal_checks FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON seal_checks USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON seal_checks TO cadence_app;
GRANT SELECT ON seal_checks TO cadence_backup;
GRANT SELECT (id, tenant_id, state, touched_at) ON seal_checks TO cadence_lookup;
GRANT USAGE ON SEQUENCE seal_checks_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE seal_checks_id_seq TO cadence_backup;

CREATE TABLE sealed_changes (
    change_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    day date NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT pk_sealed_changes PRIMARY KEY (change_id),
    CONSTRAINT fk_sealed_changes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_sealed_changes_day ON sealed_changes USING btree (tenant_id, day, change_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON sealed_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
ALTER TABLE sealed_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE sealed_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON sealed_changes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON sealed_changes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT ON sealed_changes TO cadence_app;
GRANT SELECT ON sealed_changes TO cadence_backup;

CREATE TABLE sealed_evidence (
    evidence_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    day date NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT pk_sealed_evidence PRIMARY KEY (evidence_id),
    CONSTRAINT fk_sealed_evidence_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_sealed_evidence_day ON sealed_evidence USING btree (tenant_id, day, evidence_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON sealed_evidence FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
ALTER TABLE sealed_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE sealed_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON sealed_evidence FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON sealed_evidence USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT ON sealed_evidence TO cadence_app;
GRANT SELECT ON sealed_evidence TO cadence_backup;

CREATE TABLE seals (
    id bigserial,
    tenant_id bigint NOT NULL,
    day date NOT NULL,
    version bigint NOT NULL,
    rows bigint NOT NULL,
    rows_digest bytea NOT NULL,
    previous_digest bytea,
    digest bytea NOT NULL,
    sealed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    retired bigint NOT NULL DEFAULT '0'::bigint,
    retired_digest bytea,
    evidence bigint NOT NULL DEFAULT '0'::bigint,
    evidence_digest bytea,
    retired_evidence bigint NOT NULL DEFAULT '0'::bigint,
    retired_evidence_digest bytea,
    CONSTRAINT pk_seals PRIMARY KEY (id),
    CONSTRAINT uq_seals_tenant_id_day UNIQUE (tenant_id, day),
    CONSTRAINT fk_seals_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER open_days BEFORE INSERT ON seals FOR EACH ROW EXECUTE FUNCTION refuse_seal_of_open_day();
ALTER TABLE seals ENABLE ROW LEVEL SECURITY;
ALTER TABLE seals FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON seals FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON seals FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON seals USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT ON seals TO cadence_app;
GRANT SELECT ON seals TO cadence_backup;
GRANT SELECT (tenant_id, day) ON seals TO cadence_lookup;
GRANT USAGE ON SEQUENCE seals_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE seals_id_seq TO cadence_backup;

CREATE TABLE sign_in_sessions (
    id bigserial,
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    key_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    last_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    ip text NOT NULL,
    device text NOT NULL,
    method text NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT pk_sign_in_sessions PRIMARY KEY (id),
    CONSTRAINT uq_sign_in_sessions_key_hash UNIQUE (key_hash),
    CONSTRAINT uq_sign_in_sessions_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_sign_in_sessions_method CHECK ((method = ANY (ARRAY['password'::text, 'second_factor'::text, 'link'::text, 'single_sign_on'::text]))),
    CONSTRAINT fk_sign_in_sessions_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_sign_in_sessions_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_sign_in_sessions_age ON sign_in_sessions USING btree (tenant_id, last_seen_at);
CREATE INDEX ix_sign_in_sessions_user_id ON sign_in_sessions USING btree (user_id);
CREATE TRIGGER end_push_subscriptions AFTER UPDATE OF ended_at ON sign_in_sessions FOR EACH ROW WHEN ((new.ended_at IS NOT NULL)) EXECUTE FUNCTION end_push_subscriptions();
ALTER TABLE sign_in_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON sign_in_sessions FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON sign_in_sessions FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON sign_in_sessions USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_sessions TO cadence_app;
GRANT SELECT ON sign_in_sessions TO cadence_backup;
GRANT SELECT (id, tenant_id, key_hash, last_seen_at, ended_at) ON sign_in_sessions TO cadence_lookup;
GRANT USAGE ON SEQUENCE sign_in_sessions_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE sign_in_sessions_id_seq TO cadence_backup;

CREATE TABLE single_sign_on_domains (
    domain text NOT NULL,
    tenant_id bigint NOT NULL,
    confirmed_at timestamp with time zone,
    confirmed_by_id bigint,
    CONSTRAINT pk_single_sign_on_domains PRIMARY KEY (domain),
    CONSTRAINT fk_single_sign_on_domains_confirmed_by_id_users FOREIGN KEY (tenant_id, confirmed_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_single_sign_on_domains_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_single_sign_on_domains_tenant_id ON single_sign_on_domains USING btree (tenant_id);
ALTER TABLE single_sign_on_domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE single_sign_on_domains FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON single_sign_on_domains FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON single_sign_on_domains FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON single_sign_on_domains USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON single_sign_on_domains TO cadence_app;
GRANT UPDATE (confirmed_at, confirmed_by_id) ON single_sign_on_domains TO cadence_app;
GRANT SELECT ON single_sign_on_domains TO cadence_backup;
GRANT SELECT (domain, tenant_id) ON single_sign_on_domains TO cadence_lookup;

CREATE TABLE single_sign_ons (
    tenant_id bigint NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    client_secret text NOT NULL,
    passwords_allowed boolean NOT NULL,
    creates_users boolean NOT NULL,
    CONSTRAINT pk_single_sign_ons PRIMARY KEY (tenant_id),
    CONSTRAINT fk_single_sign_ons_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE single_sign_ons ENABLE ROW LEVEL SECURITY;
ALTER TABLE single_sign_ons FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON single_sign_ons FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON single_sign_ons USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON single_sign_ons TO cadence_app;
GRANT SELECT ON single_sign_ons TO cadence_backup;

CREATE TABLE state_changes (
    id bigserial,
    tenant_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    cause text NOT NULL,
    user_id bigint,
    before text NOT NULL,
    before_until timestamp with time zone,
    waited_since timestamp with time zone,
    after text NOT NULL,
    until timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    undone_at timestamp with time zone,
    CONSTRAINT pk_state_changes PRIMARY KEY (id),
    CONSTRAINT uq_state_changes_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_state_changes_after CHECK ((after = ANY (ARRAY['open'::text, 'snoozed'::text, 'done'::text]))),
    CONSTRAINT ck_state_changes_before CHECK ((before = ANY (ARRAY['open'::text, 'snoozed'::text, 'done'::text]))),
    CONSTRAINT ck_state_changes_cause CHECK ((cause = ANY (ARRAY['user'::text, 'text'::text, 'snooze_ended'::text, 'not_sent'::text, 'decided'::text]))),
    CONSTRAINT fk_state_changes_conversation_id FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations(tenant_id, id),
    CONSTRAINT fk_state_changes_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_state_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_state_changes_thread ON state_changes USING btree (conversation_id, id);
ALTER TABLE state_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE state_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON state_changes FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON state_changes USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON state_changes TO cadence_app;
GRANT SELECT ON state_changes TO cadence_backup;
GRANT USAGE ON SEQUENCE state_changes_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE state_changes_id_seq TO cadence_backup;

CREATE TABLE tags (
    id bigserial,
    tenant_id bigint NOT NULL,
    name text NOT NULL,
    CONSTRAINT pk_tags PRIMARY KEY (id),
    CONSTRAINT uq_tags_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT fk_tags_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX uq_tags_name ON tags USING btree (tenant_id, lower(name));
ALTER TABLE tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE tags FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON tags FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON tags USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON tags TO cadence_app;
GRANT SELECT ON tags TO cadence_backup;
GRANT USAGE ON SEQUENCE tags_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE tags_id_seq TO cadence_backup;

CREATE TABLE team_members (
    team_id bigint NOT NULL,
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    CONSTRAINT pk_team_members PRIMARY KEY (team_id, user_id),
    CONSTRAINT fk_team_members_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_team_members_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_team_members_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE INDEX ix_team_members_user_id ON team_members USING btree (user_id);
ALTER TABLE team_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_members FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON team_members FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON team_members USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON team_members TO cadence_app;
GRANT SELECT ON team_members TO cadence_backup;

CREATE TABLE team_only_questions (
    contact_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    team_id bigint NOT NULL,
    message_id bigint NOT NULL,
    reply_id bigint,
    number text NOT NULL,
    said_at timestamp with time zone NOT NULL,
    bar_since timestamp with time zone,
    flag_ids bigint[] NOT NULL,
    stops jsonb NOT NULL DEFAULT '[]'::jsonb,
    CONSTRAINT pk_team_only_questions PRIMARY KEY (contact_id),
    CONSTRAINT uq_team_only_questions_tenant_id_contact_id UNIQUE (tenant_id, contact_id),
    CONSTRAINT fk_team_only_questions_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id),
    CONSTRAINT fk_team_only_questions_message_id FOREIGN KEY (tenant_id, message_id) REFERENCES messages(tenant_id, id),
    CONSTRAINT fk_team_only_questions_reply_id FOREIGN KEY (tenant_id, reply_id) REFERENCES messages(tenant_id, id),
    CONSTRAINT fk_team_only_questions_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_team_only_questions_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE team_only_questions ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_only_questions FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON team_only_questions FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON team_only_questions USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON team_only_questions TO cadence_app;
GRANT SELECT ON team_only_questions TO cadence_backup;

CREATE TABLE team_only_statuses (
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    status text NOT NULL,
    stopped_at timestamp with time zone,
    CONSTRAINT pk_team_only_statuses PRIMARY KEY (contact_id, team_id),
    CONSTRAINT ck_team_only_statuses_status CHECK ((status = ANY (ARRAY['opted_in'::text, 'opted_out'::text]))),
    CONSTRAINT fk_team_only_statuses_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES team_only_questions(tenant_id, contact_id) ON DELETE CASCADE,
    CONSTRAINT fk_team_only_statuses_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_team_only_statuses_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE team_only_statuses ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_only_statuses FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON team_only_statuses FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON team_only_statuses USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON team_only_statuses TO cadence_app;
GRANT SELECT ON team_only_statuses TO cadence_backup;

CREATE TABLE teams (
    id bigserial,
    tenant_id bigint NOT NULL,
    name text NOT NULL,
    code text NOT NULL,
    opt_out_text text NOT NULL,
    opt_in_text text NOT NULL,
    help_text text NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT pk_teams PRIMARY KEY (id),
    CONSTRAINT uq_teams_tenant_id_code UNIQUE (tenant_id, code),
    CONSTRAINT uq_teams_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_teams_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_teams_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
ALTER TABLE teams FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON teams FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON teams USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON teams TO cadence_app;
GRANT SELECT ON teams TO cadence_backup;
GRANT USAGE ON SEQUENCE teams_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE teams_id_seq TO cadence_backup;

CREATE TABLE tenants (
    id bigserial,
    name text NOT NULL,
    navigation text NOT NULL,
    time_zone text NOT NULL,
    keyword_policy text NOT NULL,
    keyword_policy_from date,
    possible_opt_out_policy text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    second_factor text NOT NULL DEFAULT 'optional'::text,
    suspended_at timestamp with time zone,
    retention_years bigint DEFAULT '5'::bigint,
    retention_monthly boolean NOT NULL DEFAULT false,
    texts_from bigint NOT NULL DEFAULT '8'::bigint,
    texts_until bigint NOT NULL DEFAULT '21'::bigint,
    keyword_policy_told bigint,
    ask_team_only boolean NOT NULL DEFAULT false,
    numbers_read smallint NOT NULL DEFAULT '1'::smallint,
    quiet_done_at timestamp with time zone,
    notices_name boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_tenants PRIMARY KEY (id),
    CONSTRAINT uq_tenants_name UNIQUE (name),
    CONSTRAINT ck_tenants_keyword_policy CHECK ((keyword_policy = ANY (ARRAY['team'::text, 'organisation'::text]))),
    CONSTRAINT ck_tenants_navigation CHECK ((navigation = ANY (ARRAY['teams'::text, 'legacy'::text]))),
    CONSTRAINT ck_tenants_possible_opt_out_policy CHECK ((possible_opt_out_policy = ANY (ARRAY['hold'::text, 'opt_out'::text]))),
    CONSTRAINT ck_tenants_retention_years CHECK (((retention_years >= 1) AND (retention_years <= 25))),
    CONSTRAINT ck_tenants_second_factor CHECK ((second_factor = ANY (ARRAY['optional'::text, 'admins'::text, 'everybody'::text]))),
    CONSTRAINT ck_tenants_texting_hours CHECK (((0 <= texts_from) AND (texts_from < texts_until) AND (texts_until <= 24)))
);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON tenants FOR SELECT TO cadence_backup USING (true);
CREATE POLICY creatable ON tenants FOR INSERT WITH CHECK (true);
CREATE POLICY lookup ON tenants FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY readable ON tenants FOR SELECT USING (true);
CREATE POLICY tenant ON tenants FOR UPDATE USING ((id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON tenants TO cadence_app;
GRANT SELECT ON tenants TO cadence_backup;
GRANT SELECT (id, time_zone, keyword_policy, keyword_policy_from, created_at, suspended_at, retention_monthly, keyword_policy_told) ON tenants TO cadence_lookup;
GRANT USAGE ON SEQUENCE tenants_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE tenants_id_seq TO cadence_backup;

CREATE TABLE text_templates (
    id bigserial,
    tenant_id bigint NOT NULL,
    team_id bigint,
    user_id bigint,
    name text NOT NULL,
    body text NOT NULL,
    CONSTRAINT pk_text_templates PRIMARY KEY (id),
    CONSTRAINT ck_text_templates_owner CHECK (((team_id IS NULL) <> (user_id IS NULL))),
    CONSTRAINT fk_text_templates_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT fk_text_templates_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT fk_text_templates_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
CREATE UNIQUE INDEX uq_text_templates_name ON text_templates USING btree (tenant_id, team_id, user_id, lower(name)) NULLS NOT DISTINCT;
ALTER TABLE text_templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE text_templates FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON text_templates FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON text_templates USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON text_templates TO cadence_app;
GRANT SELECT ON text_templates TO cadence_backup;
GRANT USAGE ON SEQUENCE text_templates_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE text_templates_id_seq TO cadence_backup;

CREATE TABLE unread_posts (
    id bigserial,
    tenant_id bigint NOT NULL,
    account_id bigint NOT NULL,
    event_key text NOT NULL,
    why text NOT NULL,
    content text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    words text NOT NULL,
    said_at timestamp with time zone NOT NULL,
    arrived_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    due_on date,
    decision text NOT NULL,
    decided_at timestamp with time zone,
    decided_by_id bigint,
    note text NOT NULL DEFAULT ''::text,
    CONSTRAINT pk_unread_posts PRIMARY KEY (id),
    CONSTRAINT uq_unread_posts_account_id_event_key UNIQUE (account_id, event_key),
    CONSTRAINT ck_unread_posts_decision CHECK ((decision = ANY (ARRAY['open'::text, 'read'::text, 'handled'::text, 'opted_out'::text]))),
    CONSTRAINT fk_unread_posts_account_id FOREIGN KEY (tenant_id, account_id) REFERENCES carrier_accounts(tenant_id, id),
    CONSTRAINT fk_unread_posts_decided_by_id FOREIGN KEY (tenant_id, decided_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_unread_posts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_unread_posts_decided ON unread_posts USING btree (tenant_id, decided_at) WHERE (decision <> 'open'::text);
CREATE INDEX ix_unread_posts_open ON unread_posts USING btree (tenant_id, due_on, id) WHERE (decision = 'open'::text);
ALTER TABLE unread_posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE unread_posts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON unread_posts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON unread_posts FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON unread_posts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON unread_posts TO cadence_app;
GRANT SELECT ON unread_posts TO cadence_backup;
GRANT SELECT (id, tenant_id, decision, decided_at) ON unread_posts TO cadence_lookup;
GRANT USAGE ON SEQUENCE unread_posts_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE unread_posts_id_seq TO cadence_backup;

CREATE TABLE users (
    id bigserial,
    tenant_id bigint NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    active boolean NOT NULL,
    time_zone text,
    invited_at timestamp with time zone,
    password_changed_at timestamp with time zone,
    second_factor_secret text NOT NULL DEFAULT ''::text,
    second_factor_since timestamp with time zone,
    second_factor_step bigint NOT NULL DEFAULT '0'::bigint,
    single_sign_on_subject text,
    shortcuts boolean NOT NULL DEFAULT true,
    confirmed_at timestamp with time zone,
    new_email text NOT NULL DEFAULT ''::text,
    undo_seconds bigint NOT NULL DEFAULT '5'::bigint,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_users_role CHECK ((role = ANY (ARRAY['admin'::text, 'agent'::text, 'auditor'::text]))),
    CONSTRAINT ck_users_undo_seconds CHECK ((undo_seconds = ANY (ARRAY[(0)::bigint, (5)::bigint, (10)::bigint]))),
    CONSTRAINT fk_users_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_users_tenant_id ON users USING btree (tenant_id);
CREATE UNIQUE INDEX uq_users_email ON users USING btree (lower(email)) WHERE ((confirmed_at IS NOT NULL) AND active);
CREATE UNIQUE INDEX uq_users_single_sign_on_subject ON users USING btree (tenant_id, single_sign_on_subject);
CREATE UNIQUE INDEX uq_users_tenant_email ON users USING btree (tenant_id, lower(email));
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON users FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON users FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON users USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON users TO cadence_app;
GRANT SELECT ON users TO cadence_backup;
GRANT SELECT (id, tenant_id, email, role, active, invited_at, confirmed_at) ON users TO cadence_lookup;
GRANT USAGE ON SEQUENCE users_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE users_id_seq TO cadence_backup;

CREATE TABLE webhook_attempts (
    id bigserial,
    tenant_id bigint NOT NULL,
    delivery_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    milliseconds bigint NOT NULL,
    status bigint,
    error text NOT NULL,
    response text NOT NULL,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (id),
    CONSTRAINT fk_webhook_attempts_delivery_id FOREIGN KEY (tenant_id, delivery_id) REFERENCES webhook_deliveries(tenant_id, id),
    CONSTRAINT fk_webhook_attempts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_webhook_attempts_delivery_id ON webhook_attempts USING btree (delivery_id, id);
ALTER TABLE webhook_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_attempts FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON webhook_attempts FOR SELECT TO cadence_backup USING (true);
CREATE POLICY tenant ON webhook_attempts USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, DELETE ON webhook_attempts TO cadence_app;
GRANT SELECT ON webhook_attempts TO cadence_backup;
GRANT USAGE ON SEQUENCE webhook_attempts_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE webhook_attempts_id_seq TO cadence_backup;

CREATE TABLE webhook_deliveries (
    id bigserial,
    tenant_id bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    change_id bigint,
    contact_id bigint,
    event_id text NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL DEFAULT now(),
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    finished_at timestamp with time zone,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT uq_webhook_deliveries_endpoint_id_change_id UNIQUE (endpoint_id, change_id),
    CONSTRAINT uq_webhook_deliveries_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_webhook_deliveries_state CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text]))),
    CONSTRAINT fk_webhook_deliveries_endpoint_id FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints(tenant_id, id),
    CONSTRAINT fk_webhook_deliveries_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_webhook_deliveries_contact ON webhook_deliveries USING btree (endpoint_id, contact_id, id);
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries USING btree (endpoint_id, next_attempt_at, id) WHERE (state = 'pending'::text);
CREATE INDEX ix_webhook_deliveries_ended ON webhook_deliveries USING btree (tenant_id, finished_at) WHERE (state <> 'pending'::text);
CREATE INDEX ix_webhook_deliveries_log ON webhook_deliveries USING btree (endpoint_id, id);
CREATE INDEX ix_webhook_deliveries_order ON webhook_deliveries USING btree (endpoint_id, contact_id, id) WHERE (state = 'pending'::text);
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON webhook_deliveries FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON webhook_deliveries FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON webhook_deliveries USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries TO cadence_app;
GRANT SELECT ON webhook_deliveries TO cadence_backup;
GRANT SELECT (id, tenant_id, endpoint_id, contact_id, state, next_attempt_at, finished_at) ON webhook_deliveries TO cadence_lookup;
GRANT USAGE ON SEQUENCE webhook_deliveries_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE webhook_deliveries_id_seq TO cadence_backup;

CREATE TABLE webhook_endpoints (
    id bigserial,
    tenant_id bigint NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    sources text[] NOT NULL,
    team_ids bigint[] NOT NULL,
    secret text NOT NULL,
    former_secret text,
    former_until timestamp with time zone,
    cursor bigint NOT NULL,
    created_by_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    paused_at timestamp with time zone,
    off_at timestamp with time zone,
    off_reason text NOT NULL,
    off_told_at timestamp with time zone,
    deleted_at timestamp with time zone,
    failures bigint NOT NULL,
    failing_since timestamp with time zone,
    quiet_until timestamp with time zone,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id),
    CONSTRAINT uq_webhook_endpoints_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT fk_webhook_endpoints_created_by_id FOREIGN KEY (tenant_id, created_by_id) REFERENCES users(tenant_id, id),
    CONSTRAINT fk_webhook_endpoints_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX ix_webhook_endpoints_deleted ON webhook_endpoints USING btree (tenant_id, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX ix_webhook_endpoints_tenant_id ON webhook_endpoints USING btree (tenant_id, id);
CREATE INDEX ix_webhook_endpoints_untold ON webhook_endpoints USING btree (tenant_id, id) WHERE ((off_at IS NOT NULL) AND (off_told_at IS NULL) AND (deleted_at IS NULL));
ALTER TABLE webhook_endpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_endpoints FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON webhook_endpoints FOR SELECT TO cadence_backup USING (true);
CREATE POLICY lookup ON webhook_endpoints FOR SELECT TO cadence_lookup USING (true);
CREATE POLICY tenant ON webhook_endpoints USING ((tenant_id = (NULLIF(current_setting('cadence.tenant_id'::text, true), ''::text))::bigint));
GRANT SELECT, INSERT, UPDATE ON webhook_endpoints TO cadence_app;
GRANT SELECT ON webhook_endpoints TO cadence_backup;
GRANT SELECT (id, tenant_id, cursor, paused_at, off_at, off_told_at, deleted_at, quiet_until) ON webhook_endpoints TO cadence_lookup;
GRANT USAGE ON SEQUENCE webhook_endpoints_id_seq TO cadence_app;
GRANT SELECT ON SEQUENCE webhook_endpoints_id_seq TO cadence_backup;

CREATE FUNCTION announce_history()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    newest bigint;
BEGIN
    IF coalesce(current_setting('cadence.history_announced', true), '') = '' THEN
        newest := last_change_id_given();
        PERFORM pg_advisory_xact_lock_shared(1000 + (newest >> 31)::int, (newest & 2147483647)::int);
        PERFORM set_config('cadence.history_announced', 'yes', true);
    END IF;
    RETURN NULL;
END $function$;

CREATE FUNCTION bar_stopped_numbers()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(held.turn) FROM (
        SELECT DISTINCT number_turn(tenant_id, number) AS turn FROM added WHERE until IS NULL ORDER BY turn
    ) AS held;
    IF EXISTS (SELECT FROM number_stops s JOIN added USING (tenant_id)) THEN
        INSERT INTO blocks (tenant_id, contact_id, scope, team_id, number, since, reason)
            SELECT added.tenant_id, added.contact_id, s.scope, s.team_id, added.number, s.said_at,
                coalesce(nullif(s.reason, ''), stopped_number_words(s.said_at, s.tenant_id))
            FROM added CROSS JOIN LATERAL number_spellings(added.number) AS spelled(number)
            JOIN number_stops s ON s.tenant_id = added.tenant_id
              AND s.digest = number_digest(added.tenant_id, spelled.number)
            WHERE added.until IS NULL
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $function$;

CREATE FUNCTION change_digest(c opt_out_changes)
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
    SELECT sha256(convert_to('cadence-change-1 '
        || netstring(c.id::text) || netstring(c.tenant_id::text) || netstring(c.contact_id::text)
        || netstring(c.team_id::text) || netstring(c.status)
        || netstring(to_char(c.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || netstring(c.source) || netstring(c.user_id::text) || netstring(c.message_id::text)
        || netstring(c.first_name) || netstring(c.last_name) || netstring(c.external_id)
        || netstring(c.number) || netstring(c.team_code) || netstring(c.user_name)
        || netstring(c.words) || netstring(c.reason), 'UTF8'))
$function$;

CREATE FUNCTION changes_with(part text, digits text)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
    SELECT id FROM opt_out_changes
    WHERE tenant_id = nullif(current_setting('cadence.tenant_id', true), '')::bigint
      AND (threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number))
             @> threes(lower(part))
           OR length(digits) > 2
             AND threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number))
               @> threes(digits))
$function$;
ALTER FUNCTION changes_with(text,text) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION changes_with(text,text) FROM public;
GRANT EXECUTE ON FUNCTION changes_with(text,text) TO cadence_app;

CREATE FUNCTION digits_in(tenant bigint, number text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
    SELECT ARRAY(SELECT DISTINCT tenant || ':' || substr(number, n, 3)
        FROM generate_series(1, length(number) - 2) AS n)
$function$;

CREATE FUNCTION discard_media_file()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO discarded_files (tenant_id, file_key) VALUES (OLD.tenant_id, OLD.file_key);
    RETURN NULL;
END $function$;

CREATE FUNCTION due_block_lists(late interval, of_each integer, at_most integer, carriers text[])
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
SELECT a.tenant_id, a.id FROM carrier_accounts a WHERE a.carrier = ANY (carriers)
ORDER BY row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.id), random() LIMIT at_most
$function$;
ALTER FUNCTION due_block_lists(interval,integer,integer,text[]) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_block_lists(interval,integer,integer,text[]) FROM public;
GRANT EXECUTE ON FUNCTION due_block_lists(interval,integer,integer,text[]) TO cadence_app;

CREATE FUNCTION due_campaigns(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM campaigns w WHERE w.wake_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM campaigns w WHERE w.wake_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM campaigns w
        WHERE w.tenant_id = h.tenant_id AND w.wake_at IS NOT NULL AND w.wake_at <= now() - late ORDER BY w.wake_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_campaigns(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_campaigns(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_campaigns(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_carrier_events(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM carrier_events w WHERE w.next_attempt_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM carrier_events w WHERE w.next_attempt_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM carrier_events w
        WHERE w.tenant_id = h.tenant_id AND w.next_attempt_at IS NOT NULL AND w.next_attempt_at <= now() - late ORDER BY w.next_attempt_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_carrier_events(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_carrier_events(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_carrier_events(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_day_counts(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
SELECT t.id, t.id FROM tenants t LEFT JOIN day_counting c ON c.tenant_id = t.id
WHERE EXISTS (SELECT FROM days_to_recount d WHERE d.tenant_id = t.id)
   OR EXISTS (SELECT FROM messages m WHERE m.tenant_id = t.id AND m.created_at < now() - interval '74 hours'
        AND m.created_at >= CASE WHEN c.time_zone = t.time_zone THEN c.counted_until ELSE '-infinity' END)
   OR EXISTS (SELECT FROM opt_out_changes h WHERE h.tenant_id = t.id
        AND h.changed_at < now() - interval '74 hours'
        AND h.changed_at >= CASE WHEN c.time_zone = t.time_zone THEN c.counted_until ELSE '-infinity' END)
ORDER BY random() LIMIT at_most
$function$;
ALTER FUNCTION due_day_counts(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_day_counts(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_day_counts(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_discarded_files(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM discarded_files w WHERE true ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM discarded_files w WHERE true AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM discarded_files w
        WHERE w.tenant_id = h.tenant_id AND true AND w.due_at <= now() - late ORDER BY w.due_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_discarded_files(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_discarded_files(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_discarded_files(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_drafts(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM drafts w WHERE true ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM drafts w WHERE true AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM drafts w
        WHERE w.tenant_id = h.tenant_id AND true AND w.ends_at <= now() - late ORDER BY w.ends_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_drafts(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_drafts(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_drafts(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_expired_exports(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM exports w WHERE w.file_key <> '' ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM exports w WHERE w.file_key <> '' AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM exports w
        WHERE w.tenant_id = h.tenant_id AND w.file_key <> '' AND w.expires_at <= now() - late ORDER BY w.expires_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_expired_exports(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_expired_exports(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_expired_exports(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_expired_imports(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM imports w WHERE (w.file_key <> '' OR w.result_key <> '') AND w.state NOT IN ('opening', 'checking', 'importing') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM imports w WHERE (w.file_key <> '' OR w.result_key <> '') AND w.state NOT IN ('opening', 'checking', 'importing') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM imports w
        WHERE w.tenant_id = h.tenant_id AND (w.file_key <> '' OR w.result_key <> '') AND w.state NOT IN ('opening', 'checking', 'importing') AND w.expires_at <= now() - late ORDER BY w.expires_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_expired_imports(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_expired_imports(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_expired_imports(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_exports(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM exports w WHERE w.state IN ('queued', 'running', 'mailing') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM exports w WHERE w.state IN ('queued', 'running', 'mailing') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM exports w
        WHERE w.tenant_id = h.tenant_id AND w.state IN ('queued', 'running', 'mailing') AND w.next_attempt_at <= now() - late ORDER BY w.next_attempt_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_exports(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_exports(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_exports(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_for_me_mails(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM for_me w WHERE w.mailed_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM for_me w WHERE w.mailed_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.user_id AS id FROM for_me w
        WHERE w.tenant_id = h.tenant_id AND w.mailed_at IS NULL AND w.created_at <= now() - late ORDER BY w.created_at, w.user_id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_for_me_mails(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_for_me_mails(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_for_me_mails(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_for_me_notices(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM for_me w WHERE w.told_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM for_me w WHERE w.told_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.user_id AS id FROM for_me w
        WHERE w.tenant_id = h.tenant_id AND w.told_at IS NULL AND w.created_at <= now() - late ORDER BY w.created_at, w.user_id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_for_me_notices(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_for_me_notices(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_for_me_notices(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_imports(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM imports w WHERE w.state IN ('opening', 'checking', 'importing') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM imports w WHERE w.state IN ('opening', 'checking', 'importing') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM imports w
        WHERE w.tenant_id = h.tenant_id AND w.state IN ('opening', 'checking', 'importing') AND w.touched_at <= now() - late ORDER BY w.touched_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_imports(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_imports(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_imports(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_later_texts(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM scheduled_texts w WHERE (w.state = 'waiting' OR w.state = 'held') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM scheduled_texts w WHERE (w.state = 'waiting' OR w.state = 'held') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    (
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM scheduled_texts w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'waiting' AND w.send_at <= now() - late ORDER BY w.send_at, w.id LIMIT of_each
    ) AS first) UNION ALL (
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM scheduled_texts w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'held' AND w.send_at <= now() - late ORDER BY w.send_at, w.id LIMIT of_each
    ) AS first)
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_later_texts(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_later_texts(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_later_texts(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_lost_texts(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM messages w WHERE w.state = 'sending' AND w.campaign_id IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM messages w WHERE w.state = 'sending' AND w.campaign_id IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM messages w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'sending' AND w.campaign_id IS NULL AND coalesce(w.next_attempt_at, w.sending_since) <= now() AND w.sending_since <= now() - late ORDER BY coalesce(w.next_attempt_at, w.sending_since), w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_lost_texts(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_lost_texts(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_lost_texts(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_mails(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM outgoing_mails w WHERE w.next_attempt_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM outgoing_mails w WHERE w.next_attempt_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM outgoing_mails w
        WHERE w.tenant_id = h.tenant_id AND w.next_attempt_at IS NOT NULL AND least(w.next_attempt_at, w.useless_after) <= now() AND (w.useless_after <= now() OR w.next_attempt_at <= now() - late) ORDER BY least(w.next_attempt_at, w.useless_after), w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_mails(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_mails(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_mails(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_media(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM message_media w WHERE w.next_attempt_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM message_media w WHERE w.next_attempt_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM message_media w
        WHERE w.tenant_id = h.tenant_id AND w.next_attempt_at IS NOT NULL AND w.next_attempt_at <= now() - late ORDER BY w.next_attempt_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_media(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_media(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_media(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_monthly_retention(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
SELECT t.id, t.id FROM tenants t WHERE t.retention_monthly
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.state IN ('counting', 'ready', 'waiting', 'removing'))
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.automatic AND r.requested_at >= first_of_month(t.time_zone)) ORDER BY random() LIMIT at_most
$function$;
ALTER FUNCTION due_monthly_retention(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_monthly_retention(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_monthly_retention(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_named_imports(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM imports w WHERE w.finished_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM imports w WHERE w.finished_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM imports w
        WHERE w.tenant_id = h.tenant_id AND w.finished_at IS NOT NULL AND w.finished_at <= now() - late AND EXISTS (SELECT FROM import_contacts n WHERE n.import_id = w.id) ORDER BY w.finished_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_named_imports(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_named_imports(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_named_imports(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_notification_rules(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM notification_rules w WHERE w.enabled ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM notification_rules w WHERE w.enabled AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM notification_rules w
        WHERE w.tenant_id = h.tenant_id AND w.enabled AND CASE WHEN w.digest_at IS NULL THEN EXISTS (SELECT FROM opt_out_changes c WHERE c.tenant_id = w.tenant_id AND c.id > w.cursor) ELSE w.digest_at <= now() END ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_notification_rules(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_notification_rules(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_notification_rules(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_old_api_keys(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM idempotency_keys w WHERE true ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM idempotency_keys w WHERE true AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.token_id AS id FROM idempotency_keys w
        WHERE w.tenant_id = h.tenant_id AND true AND w.created_at <= now() - late ORDER BY w.created_at, w.token_id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_old_api_keys(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_old_api_keys(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_old_api_keys(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_old_for_me(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM for_me w WHERE true ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM for_me w WHERE true AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM for_me w
        WHERE w.tenant_id = h.tenant_id AND true AND w.created_at <= now() - late ORDER BY w.created_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_old_for_me(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_old_for_me(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_old_for_me(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_old_mails(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM outgoing_mails w WHERE w.next_attempt_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM outgoing_mails w WHERE w.next_attempt_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM outgoing_mails w
        WHERE w.tenant_id = h.tenant_id AND w.next_attempt_at IS NULL AND w.created_at <= now() - late ORDER BY w.created_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_old_mails(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_old_mails(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_old_mails(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_old_sessions(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM sign_in_sessions w WHERE true ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM sign_in_sessions w WHERE true AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM sign_in_sessions w
        WHERE w.tenant_id = h.tenant_id AND true AND w.last_seen_at <= now() - late ORDER BY w.last_seen_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_old_sessions(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_old_sessions(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_old_sessions(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_outgoing(late interval, of_each integer, at_most integer, ahead interval)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id, inbox_id) AS (
    (SELECT w.tenant_id, w.inbox_id FROM messages w WHERE w.state = 'queued' AND w.campaign_id IS NULL ORDER BY w.tenant_id, w.inbox_id LIMIT 1)
    UNION ALL
    SELECT after.tenant_id, after.inbox_id FROM having_some h CROSS JOIN LATERAL (
        SELECT w.tenant_id, w.inbox_id FROM messages w
        WHERE w.state = 'queued' AND w.campaign_id IS NULL AND (w.tenant_id, w.inbox_id) > (h.tenant_id, h.inbox_id)
        ORDER BY w.tenant_id, w.inbox_id LIMIT 1
    ) AS after
)
SELECT ready.tenant_id, ready.inbox_id FROM (
    SELECT h.tenant_id, h.inbox_id, row_number() OVER (PARTITION BY h.tenant_id ORDER BY random()) AS place
    FROM having_some h JOIN inboxes i ON i.id = h.inbox_id
    WHERE (i.next_text_at IS NULL OR i.next_text_at <= clock_timestamp() + ahead)
      AND EXISTS (SELECT FROM messages w WHERE w.tenant_id = h.tenant_id AND w.inbox_id = h.inbox_id
                  AND w.state = 'queued' AND w.campaign_id IS NULL
                  AND (w.next_attempt_at IS NULL OR w.next_attempt_at <= clock_timestamp() - late))
) AS ready WHERE ready.place <= of_each ORDER BY ready.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_outgoing(interval,integer,integer,interval) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_outgoing(interval,integer,integer,interval) FROM public;
GRANT EXECUTE ON FUNCTION due_outgoing(interval,integer,integer,interval) TO cadence_app;

CREATE FUNCTION due_policy_notices(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
SELECT t.id, t.id FROM tenants t WHERE t.keyword_policy = 'organisation' AND t.suspended_at IS NULL
    AND t.keyword_policy_from <= (now() AT TIME ZONE 'UTC')::date + 15
    AND t.keyword_policy_told IS DISTINCT FROM 0 ORDER BY random() LIMIT at_most
$function$;
ALTER FUNCTION due_policy_notices(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_policy_notices(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_policy_notices(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_push_notices(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM push_notices w WHERE true ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM push_notices w WHERE true AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM push_notices w
        WHERE w.tenant_id = h.tenant_id AND true AND w.next_attempt_at <= now() - late ORDER BY w.next_attempt_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_push_notices(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_push_notices(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_push_notices(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_read_backs(late interval, of_each integer, at_most integer, carriers text[])
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
SELECT a.tenant_id, a.id FROM carrier_accounts a
WHERE a.carrier = ANY (carriers)
  AND coalesce(a.read_tried_at, a.created_at - interval '1 hour') < now() - late
  AND (a.read_tried_at IS NULL OR a.read_tried_at < now() - interval '1 hour'
    OR EXISTS (SELECT FROM inbound_gaps g WHERE g.ended_at > a.settled_to))
  AND EXISTS (SELECT FROM inboxes i WHERE i.carrier_account_id = a.id)
ORDER BY row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.id), random() LIMIT at_most
$function$;
ALTER FUNCTION due_read_backs(interval,integer,integer,text[]) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_read_backs(interval,integer,integer,text[]) FROM public;
GRANT EXECUTE ON FUNCTION due_read_backs(interval,integer,integer,text[]) TO cadence_app;

CREATE FUNCTION due_read_posts(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM unread_posts w WHERE w.decision <> 'open' ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM unread_posts w WHERE w.decision <> 'open' AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM unread_posts w
        WHERE w.tenant_id = h.tenant_id AND w.decision <> 'open' AND w.decided_at <= now() - late ORDER BY w.decided_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_read_posts(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_read_posts(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_read_posts(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_retention_runs(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM retention_runs w WHERE w.state IN ('counting', 'ready', 'waiting', 'removing') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM retention_runs w WHERE w.state IN ('counting', 'ready', 'waiting', 'removing') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM retention_runs w
        WHERE w.tenant_id = h.tenant_id AND w.state IN ('counting', 'ready', 'waiting', 'removing') AND ((w.state IN ('counting', 'removing') OR w.state = 'ready' AND w.automatic)
            AND w.touched_at <= now() - late OR w.state = 'waiting' AND w.remove_at <= now()) ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_retention_runs(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_retention_runs(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_retention_runs(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_schedules(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM export_schedules w WHERE w.paused_at IS NULL AND w.deleted_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM export_schedules w WHERE w.paused_at IS NULL AND w.deleted_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM export_schedules w
        WHERE w.tenant_id = h.tenant_id AND w.paused_at IS NULL AND w.deleted_at IS NULL AND w.next_run_at <= now() - late AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = w.tenant_id AND t.suspended_at IS NOT NULL) ORDER BY w.next_run_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_schedules(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_schedules(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_schedules(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_seal_checks(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM seal_checks w WHERE w.state IN ('queued', 'running') ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM seal_checks w WHERE w.state IN ('queued', 'running') AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM seal_checks w
        WHERE w.tenant_id = h.tenant_id AND w.state IN ('queued', 'running') AND w.touched_at <= now() - late ORDER BY w.touched_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_seal_checks(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_seal_checks(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_seal_checks(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_seals(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
SELECT t.id, t.id FROM tenants t WHERE coalesce(
        (SELECT max(s.day) + 1 FROM seals s WHERE s.tenant_id = t.id),
        least(
            history_day((SELECT min(c.changed_at) FROM opt_out_changes c WHERE c.tenant_id = t.id)),
            history_day(t.created_at))
    ) < history_day(clock_timestamp() - late) ORDER BY random() LIMIT at_most
$function$;
ALTER FUNCTION due_seals(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_seals(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_seals(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_snoozes(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM conversations w WHERE w.state = 'snoozed' ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM conversations w WHERE w.state = 'snoozed' AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM conversations w
        WHERE w.tenant_id = h.tenant_id AND w.state = 'snoozed' AND w.snoozed_until <= now() - late ORDER BY w.snoozed_until, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_snoozes(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_snoozes(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_snoozes(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_standing(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
SELECT t, t FROM tenants_with_standing_due() t ORDER BY random() LIMIT at_most
$function$;
ALTER FUNCTION due_standing(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_standing(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_standing(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_text_notices(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM push_subscriptions w ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM push_subscriptions w WHERE w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT DISTINCT m.inbox_id AS id FROM messages m
        LEFT JOIN inbox_notices n ON n.inbox_id = m.inbox_id
        WHERE m.tenant_id = h.tenant_id AND m.created_at > now() - interval '5 minutes'
          AND m.created_at <= now() - late AND m.direction = 'inbound' AND m.opened_at IS NULL
          AND (n.inbox_id IS NULL OR (n.quiet_until <= now() AND NOT m.id = ANY (n.recent)))
        LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_text_notices(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_text_notices(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_text_notices(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_untold_deliveries(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM export_deliveries w WHERE w.tell_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM export_deliveries w WHERE w.tell_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.export_id AS id FROM export_deliveries w
        WHERE w.tenant_id = h.tenant_id AND w.tell_at IS NOT NULL AND w.tell_at <= now() - late ORDER BY w.tell_at, w.export_id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_untold_deliveries(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_untold_deliveries(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_untold_deliveries(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_waiting_mails(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM alert_choices w WHERE w.waiting_next IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM alert_choices w WHERE w.waiting_next IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.user_id AS id FROM alert_choices w
        WHERE w.tenant_id = h.tenant_id AND w.waiting_next IS NOT NULL AND w.waiting_next <= now() - late ORDER BY w.waiting_next, w.user_id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_waiting_mails(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_waiting_mails(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_waiting_mails(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_webhook_endpoints(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.paused_at IS NULL AND w.off_at IS NULL AND w.deleted_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.paused_at IS NULL AND w.off_at IS NULL AND w.deleted_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_endpoints w
        WHERE w.tenant_id = h.tenant_id AND w.paused_at IS NULL AND w.off_at IS NULL AND w.deleted_at IS NULL AND coalesce(w.quiet_until <= now(), true) AND (
            EXISTS (SELECT FROM opt_out_changes c WHERE c.tenant_id = w.tenant_id AND c.id > w.cursor)
            OR EXISTS (SELECT FROM webhook_deliveries d
                WHERE d.endpoint_id = w.id AND d.state = 'pending' AND d.next_attempt_at <= now()
                  AND NOT EXISTS (SELECT FROM webhook_deliveries e
                    WHERE e.endpoint_id = d.endpoint_id AND e.contact_id = d.contact_id
                      AND e.state = 'pending' AND e.id < d.id))) ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_webhook_endpoints(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_webhook_endpoints(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_webhook_endpoints(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_webhook_logs(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
(
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_deliveries w WHERE w.state <> 'pending' ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_deliveries w WHERE w.state <> 'pending' AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_deliveries w
        WHERE w.tenant_id = h.tenant_id AND w.state <> 'pending' AND w.finished_at <= now() - late ORDER BY w.finished_at, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
) UNION ALL (
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.deleted_at IS NOT NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.deleted_at IS NOT NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_endpoints w
        WHERE w.tenant_id = h.tenant_id AND w.deleted_at IS NOT NULL AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = w.id) ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
)
$function$;
ALTER FUNCTION due_webhook_logs(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_webhook_logs(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_webhook_logs(interval,integer,integer) TO cadence_app;

CREATE FUNCTION due_webhook_notices(late interval, of_each integer, at_most integer)
 RETURNS TABLE(tenant_id bigint, id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.off_at IS NOT NULL AND w.off_told_at IS NULL AND w.deleted_at IS NULL ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM webhook_endpoints w WHERE w.off_at IS NOT NULL AND w.off_told_at IS NULL AND w.deleted_at IS NULL AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.id AS id FROM webhook_endpoints w
        WHERE w.tenant_id = h.tenant_id AND w.off_at IS NOT NULL AND w.off_told_at IS NULL AND w.deleted_at IS NULL AND true ORDER BY w.id, w.id LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
$function$;
ALTER FUNCTION due_webhook_notices(interval,integer,integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION due_webhook_notices(interval,integer,integer) FROM public;
GRANT EXECUTE ON FUNCTION due_webhook_notices(interval,integer,integer) TO cadence_app;

CREATE FUNCTION end_push_subscriptions()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    DELETE FROM push_subscriptions WHERE session_id = NEW.id;
    RETURN NULL;
END $function$;

CREATE FUNCTION erase_changes(ids bigint[], by_user bigint, by_name text, why text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
END $function$;
REVOKE ALL ON FUNCTION erase_changes(bigint[],bigint,text,text) FROM public;
GRANT EXECUTE ON FUNCTION erase_changes(bigint[],bigint,text,text) TO cadence_app;

CREATE FUNCTION erase_evidence(ids bigint[], by_user bigint, by_name text, why text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    at timestamptz := (SELECT moment FROM history_moment(tenant));
    erased bigint[];
BEGIN
    WITH held AS (
        SELECT e FROM consent_evidence e
        WHERE e.tenant_id = tenant AND e.id = ANY (ids)
          AND NOT EXISTS (SELECT FROM retired_evidence r WHERE r.evidence_id = e.id)
        ORDER BY e.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_evidence
            (tenant_id, evidence_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (e).id, history_day((e).recorded_at), evidence_digest(e), 'erased', at, by_user,
               by_name, why, evidence_digest(erased_evidence(e, why))
        FROM held RETURNING evidence_id
    ) SELECT array_agg(evidence_id) INTO erased FROM added;
    UPDATE consent_evidence e SET (words, page_url, sha256, ip, number, collected_by, origin)
        = (SELECT n.words, n.page_url, n.sha256, n.ip, n.number, n.collected_by, n.origin
           FROM erased_evidence(e, why) AS n)
        WHERE e.id = ANY (erased);
    RETURN coalesce(cardinality(erased), 0);
END $function$;
REVOKE ALL ON FUNCTION erase_evidence(bigint[],bigint,text,text) FROM public;
GRANT EXECUTE ON FUNCTION erase_evidence(bigint[],bigint,text,text) TO cadence_app;

CREATE FUNCTION erased_change(c opt_out_changes, why text)
 RETURNS opt_out_changes
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    c.first_name := '';
    c.last_name := '';
    c.external_id := '';
    c.number := 'erased-' || c.contact_id;
    c.words := '';
    c.reason := 'Erased: ' || why;
    RETURN c;
END $function$;

CREATE FUNCTION erased_evidence(e consent_evidence, why text)
 RETURNS consent_evidence
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    e.words := 'Erased: ' || why;
    e.page_url := '';
    e.sha256 := NULL;
    e.ip := '';
    e.number := 'erased-' || e.contact_id;
    e.collected_by := '';
    e.origin := '';
    RETURN e;
END $function$;

CREATE FUNCTION evidence_digest(e consent_evidence)
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    SELECT sha256(convert_to('cadence-evidence-1 '
        || netstring(e.id::text) || netstring(e.tenant_id::text) || netstring(e.contact_id::text)
        || netstring(e.team_id::text)
        || netstring(to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || netstring(e.method) || netstring(e.way)
        || netstring(to_char(e.agreed_on, 'YYYY-MM-DD'))
        || netstring(to_char(e.agreed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || netstring(e.words) || netstring(e.page_url) || netstring(encode(e.sha256, 'hex'))
        || netstring(e.ip) || netstring(e.number) || netstring(e.collected_by)
        || netstring(e.user_id::text) || netstring(e.user_name) || netstring(e.origin), 'UTF8'))
$function$;

CREATE FUNCTION find_api_token(token_key text)
 RETURNS TABLE(tenant_id bigint, token_id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ SELECT t.tenant_id, t.id FROM api_tokens t WHERE t.key = token_key $function$;
ALTER FUNCTION find_api_token(text) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_api_token(text) FROM public;
GRANT EXECUTE ON FUNCTION find_api_token(text) TO cadence_app;

CREATE FUNCTION find_carrier_account(account_key text)
 RETURNS TABLE(tenant_id bigint, account_id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ SELECT a.tenant_id, a.id FROM carrier_accounts a WHERE a.key = account_key $function$;
ALTER FUNCTION find_carrier_account(text) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_carrier_account(text) FROM public;
GRANT EXECUTE ON FUNCTION find_carrier_account(text) TO cadence_app;

CREATE FUNCTION find_contacts(search text, digits text, at_most bigint)
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    wanted tsquery := (SELECT string_agg(concat('''', tenant, ':', each.word, ''':*'), ' & ')
        FROM unnest(public.words_in(search)) AS each(word));
BEGIN
    RETURN QUERY
        (SELECT c.id FROM contacts c WHERE c.tenant_id + 0 = tenant
            AND public.named_in(c.tenant_id, c.first_name, c.last_name, c.external_id) @@ wanted
            LIMIT at_most)
        UNION ALL
        (SELECT n.contact_id FROM contact_numbers n WHERE length(digits) > 2 AND n.tenant_id + 0 = tenant
            AND n.until IS NULL
            AND public.digits_in(n.tenant_id, n.number) @> public.digits_in(tenant, digits)
            AND strpos(n.number, digits) > 0 LIMIT at_most);
END $function$;
ALTER FUNCTION find_contacts(text,text,bigint) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_contacts(text,text,bigint) FROM public;
GRANT EXECUTE ON FUNCTION find_contacts(text,text,bigint) TO cadence_app;

CREATE FUNCTION find_inbox(inbox_number text)
 RETURNS TABLE(tenant_id bigint, inbox_id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ SELECT i.tenant_id, i.id FROM inboxes i WHERE i.number = inbox_number $function$;
ALTER FUNCTION find_inbox(text) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_inbox(text) FROM public;
GRANT EXECUTE ON FUNCTION find_inbox(text) TO cadence_app;

CREATE FUNCTION find_said(search text, inboxes bigint[], within bigint[], at_most integer)
 RETURNS TABLE(conversation_id bigint, message_id bigint, note_id bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    asked text := public.words_asked(search);
    place text;
    wanted tsquery;
    first bigint;
    last bigint;
    step bigint := 1;
    found bigint := 0;
    new bigint;
BEGIN
    IF asked IS NULL OR coalesce(cardinality(inboxes), 0) = 0 THEN
        RETURN;
    END IF;
    SELECT public.week_of(least(min(w.at), (SELECT min(n.at) FROM note_words n WHERE n.tenant_id = tenant))),
        public.week_of(greatest(max(w.at), (SELECT max(n.at) FROM note_words n WHERE n.tenant_id = tenant)))
        INTO first, last FROM message_words w WHERE w.tenant_id = tenant;
    WHILE last >= first AND found < at_most LOOP
        -- Further back in longer steps: little has been found so far, so it is rare.
        SELECT string_agg(format('(%s) & (%s)', replace(asked, '%', concat(tenant, '.', week)),
            (SELECT string_agg(format('''%s.%s:@%s''', tenant, week, inbox), ' | ')
                FROM unnest(inboxes) AS inbox)),
            ' | ')::tsquery INTO wanted
            FROM generate_series(greatest(last - step + 1, first), last) AS week;
        RETURN QUERY
            SELECT said.conversation_id, said.message_id, said.note_id FROM (
                (SELECT w.conversation_id, w.message_id, NULL::bigint AS note_id, w.at FROM message_words w
                 WHERE w.tenant_id + 0 = tenant AND w.words @@ wanted
                   AND (within IS NULL OR w.conversation_id = ANY (within))
                 ORDER BY w.at DESC LIMIT at_most)
                UNION ALL
                (SELECT n.conversation_id, NULL, n.note_id, n.at FROM note_words n
                 WHERE n.tenant_id + 0 = tenant AND n.words @@ wanted
                   AND (within IS NULL OR n.conversation_id = ANY (within))
                 ORDER BY n.at DESC LIMIT at_most)
            ) AS said ORDER BY said.at DESC LIMIT at_most - found;
        GET DIAGNOSTICS new = ROW_COUNT;
        found := found + new;
        last := last - step;
        step := least(step * 2, 8);
    END LOOP;
END $function$;
ALTER FUNCTION find_said(text,bigint[],bigint[],integer) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_said(text,bigint[],bigint[],integer) FROM public;
GRANT EXECUTE ON FUNCTION find_said(text,bigint[],bigint[],integer) TO cadence_app;

CREATE FUNCTION find_sign_in(sign_in_email text)
 RETURNS TABLE(tenant_id bigint, user_id bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ SELECT u.tenant_id, u.id FROM users u
       WHERE lower(u.email) = lower(sign_in_email) AND u.confirmed_at IS NOT NULL AND u.active $function$;
ALTER FUNCTION find_sign_in(text) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_sign_in(text) FROM public;
GRANT EXECUTE ON FUNCTION find_sign_in(text) TO cadence_app;

CREATE FUNCTION find_sign_in_session(cookie_hash bytea)
 RETURNS TABLE(tenant_id bigint, session_id bigint, last_seen_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ SELECT s.tenant_id, s.id, s.last_seen_at FROM sign_in_sessions s
       WHERE s.key_hash = cookie_hash AND s.ended_at IS NULL $function$;
ALTER FUNCTION find_sign_in_session(bytea) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_sign_in_session(bytea) FROM public;
GRANT EXECUTE ON FUNCTION find_sign_in_session(bytea) TO cadence_app;

CREATE FUNCTION find_single_sign_on(mail_domain text)
 RETURNS bigint
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ SELECT d.tenant_id FROM single_sign_on_domains d WHERE d.domain = lower(mail_domain) $function$;
ALTER FUNCTION find_single_sign_on(text) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION find_single_sign_on(text) FROM public;
GRANT EXECUTE ON FUNCTION find_single_sign_on(text) TO cadence_app;

CREATE FUNCTION first_of_month(zone text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    RETURN date_trunc('month', now(), zone);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN date_trunc('month', now(), 'UTC');
END $function$;
REVOKE ALL ON FUNCTION first_of_month(text) FROM public;
GRANT EXECUTE ON FUNCTION first_of_month(text) TO cadence_lookup;

CREATE FUNCTION hand_on_carrier_blocks()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF EXISTS (SELECT FROM blocks WHERE scope = 'carrier_number' AND number <> ''
               AND tenant_id = (SELECT tenant_id FROM added LIMIT 1)) THEN
        INSERT INTO blocks (tenant_id, contact_id, scope, inbox_id, number, since)
            SELECT added.tenant_id, added.contact_id, b.scope, b.inbox_id, added.number, min(b.since)
            FROM added CROSS JOIN LATERAL number_spellings(added.number) AS spelled(number)
            JOIN blocks b ON b.tenant_id = added.tenant_id AND b.number = spelled.number
              AND b.scope = 'carrier_number' AND b.number <> ''
            WHERE added.until IS NULL
            GROUP BY added.tenant_id, added.contact_id, b.scope, b.inbox_id, added.number
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $function$;

CREATE FUNCTION history_day(moment timestamp with time zone)
 RETURNS date
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT (moment AT TIME ZONE 'UTC')::date $function$;

CREATE FUNCTION history_day_key(tenant bigint, day date)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
AS $function$ SELECT hashtextextended(format('history %s %s', tenant, day - date '2000-01-01'), 0) $function$;

CREATE FUNCTION history_moment(tenant bigint, OUT clock timestamp with time zone, OUT moment timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    LOOP
        clock := clock_timestamp();
        moment := greatest(clock,
            (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM seals WHERE tenant_id = tenant));
        PERFORM pg_advisory_xact_lock_shared(history_day_key(tenant, history_day(moment)));
        IF EXISTS (
            SELECT FROM opt_out_changes WHERE tenant_id = tenant
            AND changed_at >= (history_day(moment) + 1)::timestamp AT TIME ZONE 'UTC'
        ) THEN
            PERFORM pg_advisory_xact_lock_shared(history_day_key(tenant, NULL));
        END IF;
        EXIT WHEN NOT EXISTS (SELECT FROM seals WHERE tenant_id = tenant AND day >= history_day(moment));
    END LOOP;
END $function$;
REVOKE ALL ON FUNCTION history_moment(bigint) FROM public;
GRANT EXECUTE ON FUNCTION history_moment(bigint) TO cadence_app;

CREATE FUNCTION keep_changed_numbers()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF EXISTS (SELECT FROM contact_numbers further
               WHERE further.contact_id = NEW.id AND further.number = NEW.number AND further.until IS NULL)
    THEN
        RETURN NULL;
    END IF;
    UPDATE contact_numbers n SET until = now()
        WHERE n.contact_id = NEW.id AND n.number = OLD.number AND n.until IS NULL;
    IF NEW.number LIKE '+%' THEN
        INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)
            VALUES (NEW.tenant_id, NEW.id, NEW.number, now(), '');
    END IF;
    RETURN NULL;
END $function$;

CREATE FUNCTION keep_first_numbers()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)
        SELECT tenant_id, id, number, now(), '' FROM added WHERE number LIKE '+%';
    RETURN NULL;
END $function$;

CREATE FUNCTION keep_words_of_messages()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    tenant bigint;
    before text := coalesce(current_setting('cadence.tenant_id', true), '');
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM set_config('cadence.tenant_id', NEW.tenant_id::text, true);
        DELETE FROM message_words WHERE message_id = NEW.id;
        INSERT INTO message_words (message_id, tenant_id, conversation_id, at, words)
            SELECT t.id, t.tenant_id, t.conversation_id, t.created_at,
                public.said_at(t.tenant_id, t.inbox_id, t.created_at, t.body)
            FROM (SELECT NEW.*) AS t WHERE t.body <> '';
    ELSE
        FOR tenant IN SELECT DISTINCT n.tenant_id FROM new_rows n LOOP
            PERFORM set_config('cadence.tenant_id', tenant::text, true);
            INSERT INTO message_words (message_id, tenant_id, conversation_id, at, words)
                SELECT t.id, t.tenant_id, t.conversation_id, t.created_at,
                    public.said_at(t.tenant_id, t.inbox_id, t.created_at, t.body)
                FROM new_rows t WHERE t.body <> '' AND t.tenant_id = tenant;
        END LOOP;
    END IF;
    PERFORM set_config('cadence.tenant_id', before, true);
    RETURN NULL;
END $function$;
REVOKE ALL ON FUNCTION keep_words_of_messages() FROM public;

CREATE FUNCTION keep_words_of_notes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    tenant bigint;
    before text := coalesce(current_setting('cadence.tenant_id', true), '');
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM set_config('cadence.tenant_id', NEW.tenant_id::text, true);
        DELETE FROM note_words WHERE note_id = NEW.id;
        INSERT INTO note_words (note_id, tenant_id, conversation_id, at, words)
            SELECT t.id, t.tenant_id, t.conversation_id, t.created_at,
                public.said_at(t.tenant_id, (SELECT c.inbox_id FROM conversations c WHERE c.id = t.conversation_id), t.created_at, t.body)
            FROM (SELECT NEW.*) AS t WHERE t.body <> '';
    ELSE
        FOR tenant IN SELECT DISTINCT n.tenant_id FROM new_rows n LOOP
            PERFORM set_config('cadence.tenant_id', tenant::text, true);
            INSERT INTO note_words (note_id, tenant_id, conversation_id, at, words)
                SELECT t.id, t.tenant_id, t.conversation_id, t.created_at,
                    public.said_at(t.tenant_id, (SELECT c.inbox_id FROM conversations c WHERE c.id = t.conversation_id), t.created_at, t.body)
                FROM new_rows t WHERE t.body <> '' AND t.tenant_id = tenant;
        END LOOP;
    END IF;
    PERFORM set_config('cadence.tenant_id', before, true);
    RETURN NULL;
END $function$;
REVOKE ALL ON FUNCTION keep_words_of_notes() FROM public;

CREATE FUNCTION last_change_id_given()
 RETURNS bigint
 LANGUAGE sql
AS $function$ SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.opt_out_changes_id_seq $function$;

CREATE FUNCTION leave_teams(ids bigint[])
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    left_teams bigint;
BEGIN
    DELETE FROM consents WHERE tenant_id = nullif(current_setting('cadence.tenant_id', true), '')::bigint AND contact_id = ANY (ids);
    GET DIAGNOSTICS left_teams = ROW_COUNT;
    RETURN left_teams;
END $function$;
REVOKE ALL ON FUNCTION leave_teams(bigint[]) FROM public;
GRANT EXECUTE ON FUNCTION leave_teams(bigint[]) TO cadence_app;

CREATE FUNCTION lists_version(who bigint)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    RETURN md5(concat_ws('|',
        (SELECT concat(count(*), ' ', sum(hashtextextended(concat(i.id, i.closed_at), 0)))
            FROM inboxes i WHERE (i.kind = 'shared' OR i.user_id = who)
        AND i.team_id IN (SELECT m.team_id FROM team_members m WHERE m.user_id = who)),
        (SELECT concat(count(*), ' ', sum(hashtextextended(concat(l.id, ' ', l.changed_at), 0)))
            FROM inboxes i CROSS JOIN LATERAL (SELECT c.id, c.changed_at FROM conversations c
                WHERE c.inbox_id = i.id ORDER BY c.changed_at DESC, c.id DESC LIMIT 10) AS l
            WHERE (i.kind = 'shared' OR i.user_id = who)
        AND i.team_id IN (SELECT m.team_id FROM team_members m WHERE m.user_id = who)),
        (SELECT max(h.id) FROM opt_out_changes h
            WHERE h.tenant_id = (SELECT u.tenant_id FROM users u WHERE u.id = who)),
        (SELECT concat(count(*), ' ', max(o.message_id)) FROM possible_opt_outs o
            WHERE o.tenant_id = (SELECT u.tenant_id FROM users u WHERE u.id = who) AND o.decision = 'open'),
        -- What they have begun to write, and how it begins: a row shows no more of it.
        (SELECT concat(count(*), ' ', sum(hashtextextended(
                concat(d.id, ' ', left(concat(d.words, d.other_words), 60)), 0)))
            FROM drafts d WHERE d.user_id = who AND d.inbox_id IS NOT NULL AND d.ends_at > now()),
        -- What is for them, and what they saw of it on another page.
        (SELECT concat(max(f.id), ' ', count(f.seen_at), ' ', count(*))
            FROM for_me f WHERE f.user_id = who)));
END $function$;
REVOKE ALL ON FUNCTION lists_version(bigint) FROM public;
GRANT EXECUTE ON FUNCTION lists_version(bigint) TO cadence_app;

CREATE FUNCTION named_in(tenant bigint, first_name text, last_name text, external_id text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
BEGIN ATOMIC
 SELECT strip(words_at((tenant)::text, ((((first_name || ' '::text) || last_name) || ' '::text) || external_id))) AS strip;
END;

CREATE FUNCTION netstring(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value || ',', '-,') $function$;

CREATE FUNCTION note_conversation_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $function$;

CREATE FUNCTION note_late_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM note_recount(OLD.tenant_id, OLD.changed_at, OLD.changed_at);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM note_recount(NEW.tenant_id, NEW.changed_at, NEW.changed_at);
    END IF;
    RETURN NULL;
END $function$;
REVOKE ALL ON FUNCTION note_late_change() FROM public;
GRANT EXECUTE ON FUNCTION note_late_change() TO cadence_app;

CREATE FUNCTION note_late_text()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM note_recount(OLD.tenant_id, OLD.created_at
            - CASE WHEN OLD.direction = 'inbound' THEN interval '24 hours' ELSE interval '0' END,
            OLD.created_at);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM note_recount(NEW.tenant_id, NEW.created_at
            - CASE WHEN NEW.direction = 'inbound' THEN interval '24 hours' ELSE interval '0' END,
            NEW.created_at);
    END IF;
    RETURN NULL;
END $function$;
REVOKE ALL ON FUNCTION note_late_text() FROM public;
GRANT EXECUTE ON FUNCTION note_late_text() TO cadence_app;

CREATE FUNCTION note_recount(tenant bigint, first timestamp with time zone, last timestamp with time zone)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    INSERT INTO days_to_recount (tenant_id, starts_at, ends_at)
    SELECT tenant, date_trunc('hour', first), date_trunc('hour', last) + interval '1 hour'
    FROM day_counting c
    WHERE c.tenant_id = tenant AND first < c.noted_until
      AND NOT EXISTS (
        SELECT FROM days_to_recount d
        WHERE d.tenant_id = tenant AND d.starts_at = date_trunc('hour', first)
          AND d.ends_at = date_trunc('hour', last) + interval '1 hour' AND d.xmin = pg_current_xact_id()::xid)
$function$;
REVOKE ALL ON FUNCTION note_recount(bigint,timestamp with time zone,timestamp with time zone) FROM public;
GRANT EXECUTE ON FUNCTION note_recount(bigint,timestamp with time zone,timestamp with time zone) TO cadence_app;

CREATE FUNCTION number_digest(tenant bigint, number text)
 RETURNS bytea
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    key bytea := decode(coalesce(current_setting('cadence.number_key', true), ''), 'hex');
BEGIN
    IF length(key) < 32 THEN
        RAISE EXCEPTION 'no key is set to tell an erased number' USING ERRCODE = 'config_file_error';
    END IF;
    RETURN sha256(key || sha256(key || convert_to(tenant || ' ' || number, 'UTF8')));
END $function$;

CREATE FUNCTION number_spellings(number text)
 RETURNS SETOF text
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT number
    UNION ALL SELECT '+521' || substr(number, 4) WHERE number ~ '^\+52[0-9]{10}$'
$function$;

CREATE FUNCTION number_turn(tenant bigint, number text)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT hashtextextended('number of ' || tenant || ' ' || (hashtextextended(
        regexp_replace(number, '^\+521([0-9]{10})$', '+52\1'), 0) & 63), 0)
$function$;
REVOKE ALL ON FUNCTION number_turn(bigint,text) FROM public;
GRANT EXECUTE ON FUNCTION number_turn(bigint,text) TO cadence_app;

CREATE FUNCTION others_have_domain(mail_domain text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ SELECT EXISTS (SELECT FROM users u
         WHERE right(lower(u.email), length(mail_domain) + 1) = '@' || lower(mail_domain)
           AND u.confirmed_at IS NOT NULL AND u.active
           AND u.tenant_id IS DISTINCT FROM
             nullif(current_setting('cadence.tenant_id', true), '')::bigint) $function$;
ALTER FUNCTION others_have_domain(text) OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION others_have_domain(text) FROM public;
GRANT EXECUTE ON FUNCTION others_have_domain(text) TO cadence_app;

CREATE FUNCTION purge_changes(ids bigint[], by_user bigint, by_name text, why text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
END $function$;
REVOKE ALL ON FUNCTION purge_changes(bigint[],bigint,text,text) FROM public;
GRANT EXECUTE ON FUNCTION purge_changes(bigint[],bigint,text,text) TO cadence_app;

CREATE FUNCTION purge_evidence(ids bigint[], by_user bigint, by_name text, why text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    at timestamptz := (SELECT moment FROM history_moment(tenant));
    purged bigint[];
BEGIN
    WITH held AS (
        SELECT e FROM consent_evidence e
        WHERE e.tenant_id = tenant AND e.id = ANY (ids)
          AND history_day(e.recorded_at) <= (SELECT max(day) FROM seals WHERE tenant_id = tenant)
          AND NOT EXISTS (SELECT FROM consents c WHERE c.contact_id = e.contact_id AND c.team_id = e.team_id)
        ORDER BY e.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_evidence
            (tenant_id, evidence_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (e).id, history_day((e).recorded_at),
               coalesce((SELECT digest FROM retired_evidence WHERE evidence_id = (e).id), evidence_digest(e)),
               'purged', at, by_user, by_name, why, NULL
        FROM held RETURNING evidence_id
    ) SELECT array_agg(evidence_id) INTO purged FROM added;
    DELETE FROM consent_evidence WHERE id = ANY (purged);
    RETURN coalesce(cardinality(purged), 0);
END $function$;
REVOKE ALL ON FUNCTION purge_evidence(bigint[],bigint,text,text) FROM public;
GRANT EXECUTE ON FUNCTION purge_evidence(bigint[],bigint,text,text) TO cadence_app;

CREATE FUNCTION refuse_change_of_audit()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    RAISE EXCEPTION 'audit_entries is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $function$;

CREATE FUNCTION refuse_change_of_evidence()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (
        SELECT FROM retired_evidence r
        WHERE r.evidence_id = OLD.id AND r.how = 'erased' AND r.replaced = evidence_digest(NEW)
    ) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM retired_evidence r WHERE r.evidence_id = OLD.id AND r.how = 'purged'
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consent_evidence is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $function$;

CREATE FUNCTION refuse_change_of_history()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (
        SELECT FROM retired_changes r
        WHERE r.change_id = OLD.id AND r.how = 'erased' AND r.replaced = change_digest(NEW)
    ) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM retired_changes r WHERE r.change_id = OLD.id AND r.how = 'purged'
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'opt_out_changes is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $function$;

CREATE FUNCTION refuse_change_of_operator_entries()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    RAISE EXCEPTION 'operator_entries is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $function$;

CREATE FUNCTION refuse_change_of_seals()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $function$;

CREATE FUNCTION refuse_evidence_of_sealed_day()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    refused record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'evidence is written in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(recorded_at) AS day FROM added) AS days
    ) AS held;
    SELECT oldest.recorded_at, sealed.day INTO refused
        FROM (SELECT tenant_id, min(recorded_at) AS recorded_at FROM added GROUP BY tenant_id) AS oldest
        CROSS JOIN LATERAL (SELECT max(day) AS day FROM seals WHERE tenant_id = oldest.tenant_id) AS sealed
        WHERE history_day(oldest.recorded_at) <= sealed.day
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'evidence of % is refused: the history is sealed up to %',
            to_char(refused.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), refused.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $function$;

CREATE FUNCTION refuse_retiring_on_sealed_day()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'rows are retired in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(retired_at) AS day FROM added) AS days
    ) AS held;
    IF EXISTS (
        SELECT FROM added CROSS JOIN LATERAL (
            SELECT max(day) AS day, (max(day) + 1)::timestamp AT TIME ZONE 'UTC' AS over
            FROM seals WHERE seals.tenant_id = added.tenant_id
        ) AS sealed
        WHERE retired_at > greatest(clock_timestamp(), sealed.over) OR history_day(retired_at) <= sealed.day
    ) THEN
        RAISE EXCEPTION 'no row can be retired at another time than now' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $function$;

CREATE FUNCTION refuse_seal_of_open_day()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF NEW.day >= history_day(clock_timestamp()) THEN
        RAISE EXCEPTION 'the day % is not over: it can''t be sealed', NEW.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $function$;

CREATE FUNCTION refuse_sealed_day()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    refused record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the history is written in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(changed_at) AS day FROM added) AS days
    ) AS held;
    SELECT oldest.changed_at, sealed.day INTO refused
        FROM (SELECT tenant_id, min(changed_at) AS changed_at FROM added GROUP BY tenant_id) AS oldest
        CROSS JOIN LATERAL (SELECT max(day) AS day FROM seals WHERE tenant_id = oldest.tenant_id) AS sealed
        WHERE history_day(oldest.changed_at) <= sealed.day
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a change at % is refused: the history is sealed up to %',
            to_char(refused.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), refused.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $function$;

CREATE FUNCTION removable_contacts(tenant bigint, ids bigint[], before timestamp with time zone)
 RETURNS TABLE(contact_id bigint, last_at timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT c.id, greatest(c.created_at, texts.last_at, changes.last_at, evidence.last_at)
    FROM contacts c
    CROSS JOIN LATERAL (
        SELECT array_append(array_agg(m.id), c.id) AS theirs FROM contacts m WHERE m.merged_into_id = c.id
    ) AS own
    CROSS JOIN LATERAL (
        SELECT max(last_message_at) AS last_at FROM conversations WHERE contact_id = c.id) AS texts
    CROSS JOIN LATERAL (
        SELECT max(changed_at) AS last_at FROM opt_out_changes
        WHERE contact_id = ANY (own.theirs)) AS changes
    CROSS JOIN LATERAL (
        SELECT max(recorded_at) AS last_at FROM consent_evidence
        WHERE contact_id = ANY (own.theirs)) AS evidence
    WHERE c.tenant_id = tenant AND c.id = ANY (ids) AND c.merged_into_id IS NULL
      AND greatest(c.created_at, texts.last_at, changes.last_at, evidence.last_at)
        < least(before, now() - interval '1 year')
      AND NOT EXISTS (
        SELECT FROM legal_holds h JOIN contacts held ON held.id = h.contact_id
        WHERE c.id IN (held.id, held.merged_into_id))
      AND NOT EXISTS (SELECT FROM possible_opt_outs p WHERE p.contact_id = c.id AND p.decision = 'open')
$function$;

CREATE FUNCTION remove_contacts(ids bigint[], before timestamp with time zone, by_user bigint, by_name text, why text)
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    named bigint[];
    gone bigint[];
    changes bigint[];
    evidence bigint[];
BEGIN
    -- In the order of their ids, as every writer of consent takes them; who waits for one sees it is gone.
    PERFORM FROM contacts WHERE tenant_id = tenant AND id = ANY (ids) ORDER BY id FOR UPDATE;
    named := ARRAY(SELECT contact_id FROM removable_contacts(tenant, ids, before) ORDER BY 1);
    gone := named || ARRAY(SELECT id FROM contacts WHERE merged_into_id = ANY (named) ORDER BY id);
    DELETE FROM consents WHERE contact_id = ANY (gone);
    changes := ARRAY(SELECT id FROM opt_out_changes WHERE contact_id = ANY (gone) ORDER BY id);
    PERFORM remove_dependants('opt_out_changes', changes);
    PERFORM purge_changes(changes, by_user, by_name, why);
    evidence := ARRAY(SELECT id FROM consent_evidence WHERE contact_id = ANY (gone) ORDER BY id);
    PERFORM purge_evidence(evidence, by_user, by_name, why);
    PERFORM remove_dependants('contacts', gone);
    DELETE FROM contacts WHERE id = ANY (gone);
    RETURN QUERY SELECT unnest(named);
END $function$;
REVOKE ALL ON FUNCTION remove_contacts(bigint[],timestamp with time zone,bigint,text,text) FROM public;
GRANT EXECUTE ON FUNCTION remove_contacts(bigint[],timestamp with time zone,bigint,text,text) TO cadence_app;

CREATE FUNCTION remove_dependants(parent regclass, ids bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    link record;
    below bigint[];
BEGIN
    FOR link IN
        SELECT c.conrelid::regclass AS child, a.attname AS name, a.attnotnull AS needed,
            EXISTS (SELECT FROM pg_attribute i
                    WHERE i.attrelid = c.conrelid AND i.attname = 'id' AND NOT i.attisdropped) AS has_id
        FROM pg_constraint c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS keys(own, theirs)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = keys.own
        JOIN pg_attribute p ON p.attrelid = c.confrelid AND p.attnum = keys.theirs AND p.attname = 'id'
        WHERE c.contype = 'f' AND c.confrelid = parent
          AND c.conrelid NOT IN ('opt_out_changes'::regclass, 'consent_evidence'::regclass)
        ORDER BY 1, 2
    LOOP
        IF NOT link.needed THEN
            EXECUTE format('UPDATE %s SET %I = NULL WHERE %I = ANY ($1)', link.child, link.name, link.name)
                USING ids;
        ELSE
            IF link.has_id THEN
                EXECUTE format('SELECT array_agg(id) FROM %s WHERE %I = ANY ($1)', link.child, link.name)
                    INTO below USING ids;
                IF below IS NOT NULL THEN
                    PERFORM remove_dependants(link.child, below);
                END IF;
            END IF;
            EXECUTE format('DELETE FROM %s WHERE %I = ANY ($1)', link.child, link.name) USING ids;
        END IF;
    END LOOP;
END $function$;
REVOKE ALL ON FUNCTION remove_dependants(regclass,bigint[]) FROM public;

CREATE FUNCTION require_matching_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF NOT EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.id = NEW.change_id AND c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id
          AND c.status = NEW.status AND c.changed_at = NEW.since
    ) OR EXISTS (
        SELECT FROM (
            SELECT id FROM opt_out_changes
            WHERE contact_id = NEW.contact_id AND team_id = NEW.team_id OFFSET 0
        ) AS c WHERE c.id > NEW.change_id
    ) THEN
        RAISE EXCEPTION 'contact %, team %: no matching history row', NEW.contact_id, NEW.team_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $function$;

CREATE FUNCTION said_at(tenant bigint, inbox bigint, at timestamp with time zone, said text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
    SELECT public.words_at(concat(tenant, '.', public.week_of(at)), said)
        || concat('''', tenant, '.', public.week_of(at), ':@', inbox, '''')::tsvector
$function$;

CREATE FUNCTION settled_change_id()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    -- Read first: whoever was given an id up to this one had announced it before, or has ended.
    newest bigint := last_change_id_given();
BEGIN
    RETURN least(newest, (
        SELECT min(((classid::bigint - 1000) << 31) | objid::bigint) FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint >= 1000
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ));
END $function$;

CREATE FUNCTION stopped_number_words(said_at timestamp with time zone, tenant bigint)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'An earlier holder of this number texted STOP on '
        || to_char(said_at AT TIME ZONE t.time_zone, 'FMMonth FMDD, YYYY') || '.'
    FROM tenants t WHERE t.id = tenant
$function$;

CREATE FUNCTION take_back_text(text_id bigint, writer bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    DELETE FROM messages
        WHERE tenant_id = nullif(current_setting('cadence.tenant_id', true), '')::bigint AND id = text_id AND user_id = writer AND state = 'queued'
          AND held_until IS NOT NULL AND attempts = 0 AND campaign_id IS NULL;
    RETURN FOUND;
END $function$;
REVOKE ALL ON FUNCTION take_back_text(bigint,bigint) FROM public;
GRANT EXECUTE ON FUNCTION take_back_text(bigint,bigint) TO cadence_app;

CREATE FUNCTION talk_version(who bigint, talk bigint, longest integer)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_bitmapscan TO 'off'
AS $function$
DECLARE
    person bigint;
    team bigint;
BEGIN
    SELECT c.contact_id, i.team_id INTO person, team
        FROM conversations c JOIN inboxes i ON i.id = c.inbox_id JOIN contacts p ON p.id = c.contact_id
        WHERE c.id = talk AND p.gone_at IS NULL AND (i.kind = 'shared' OR i.user_id = who)
        AND i.team_id IN (SELECT m.team_id FROM team_members m WHERE m.user_id = who);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN md5(concat_ws('|',
        (SELECT concat(count(*), ' ', max(shown.id), ' ',
                sum(hashtextextended(
                    concat(shown.id, shown.state, length(shown.detail), shown.held_until), 0)))
            FROM (SELECT t.id, t.state, t.detail, t.held_until FROM messages t WHERE t.conversation_id = talk
                ORDER BY t.id DESC LIMIT longest) AS shown),
        -- How many files are still being fetched.
        (SELECT count(*) FROM message_media f JOIN messages t ON t.id = f.message_id
            WHERE f.next_attempt_at IS NOT NULL AND t.conversation_id = talk),
        (SELECT concat(count(*), ' ', sum(hashtextextended(concat(s.id, s.state, s.send_at), 0)))
            FROM scheduled_texts s
            WHERE s.conversation_id = talk AND s.state IN ('waiting', 'held', 'missed')),
        coalesce((SELECT s.change_id FROM consents s WHERE s.contact_id = person AND s.team_id = team), 0),
        coalesce((SELECT concat(o.id, ' ', o.message_id) FROM possible_opt_outs o
            WHERE o.contact_id = person AND o.team_id = team AND o.decision = 'open'), ''),
        (SELECT concat(count(*), ' ', sum(hashtextextended(b.id::text, 0)))
            FROM blocks b WHERE b.contact_id = person),
        -- How many there are, for notes can be deleted, and the newest.
        (SELECT concat(count(*), ' ', max(n.id)) FROM notes n WHERE n.conversation_id = talk),
        (SELECT concat(count(*), ' ', max(a.id)) FROM assignment_changes a WHERE a.conversation_id = talk),
        -- Whether it is open, snoozed or done; a change that was undone is one less.
        (SELECT concat(c.state, ' ', c.snoozed_until) FROM conversations c WHERE c.id = talk),
        (SELECT concat(count(*), ' ', max(w.id)) FROM state_changes w
            WHERE w.conversation_id = talk AND w.undone_at IS NULL)));
END $function$;
REVOKE ALL ON FUNCTION talk_version(bigint,bigint,integer) FROM public;
GRANT EXECUTE ON FUNCTION talk_version(bigint,bigint,integer) TO cadence_app;

CREATE FUNCTION tenants_with_standing_due()
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;
ALTER FUNCTION tenants_with_standing_due() OWNER TO cadence_lookup;
REVOKE ALL ON FUNCTION tenants_with_standing_due() FROM public;
GRANT EXECUTE ON FUNCTION tenants_with_standing_due() TO cadence_app;

CREATE FUNCTION threes(whole text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ SELECT ARRAY(SELECT DISTINCT substr(whole, n, 3) FROM generate_series(1, length(whole) - 2) AS n) $function$;

CREATE FUNCTION unbar_left_numbers()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    DELETE FROM blocks b USING was JOIN became USING (id)
        WHERE was.until IS NULL AND became.until IS NOT NULL AND b.contact_id = became.contact_id
          AND b.number = became.number AND b.scope <> 'carrier_number';
    RETURN NULL;
END $function$;

CREATE FUNCTION week_of(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ SELECT floor(extract(epoch FROM at) / 604800)::bigint $function$;

CREATE FUNCTION words_asked(search text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
    WITH parts AS (
        SELECT public.words_in(found[1]) AS words, found[1] NOT LIKE '"%"' AS open, place
        FROM regexp_matches(translate(search, '“”„«»', repeat('"', 5)), '"[^"]*"|[^\s"]+', 'g')
            WITH ORDINALITY AS of_it(found, place)
    ), said AS (
        SELECT words, open, place, row_number() OVER (ORDER BY place DESC) = 1 AS last
        FROM parts WHERE cardinality(words) > 0
    )
    SELECT string_agg(
        '(''%:' || array_to_string(words, ''' <-> ''%:')
            || CASE WHEN last AND open THEN ''':*)' ELSE ''')' END,
        ' & ' ORDER BY place)
    FROM said
$function$;

CREATE FUNCTION words_at(place text, said text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
BEGIN ATOMIC
 SELECT (COALESCE(string_agg(concat('''', words_at.place, ':', each.word, ''':', each.n), ' '::text), ''::text))::tsvector AS "coalesce"
    FROM unnest(words_in(words_at.said)) WITH ORDINALITY each(word, n);
END;

CREATE FUNCTION words_in(said text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
BEGIN ATOMIC
 SELECT ARRAY( SELECT "left"(of_it.found[1], 60) AS "left"
            FROM regexp_matches("left"(lower(NORMALIZE("left"(words_in.said, 10000), NFKC)), 10000), '[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2190-\u2BFF\u3040-\u30FA\u30FC-\u30FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U0001F000-\U0001FAFF\U00020000-\U0003FFFF]|[^\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2190-\u2BFF\u3040-\u30FA\u30FC-\u30FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U0001F000-\U0001FAFF\U00020000-\U0003FFFF\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u02B9-\u02C1\u0589\u05BE\u05F3\u05F4\u060C\u061B\u061F\u066A-\u066D\u06D4\u0964\u0965\u1680\u2000-\u206F\u3000-\u303F\u30FB\uFE00-\uFE0F\uFFFC\uFFFD]+'::text, 'g'::text) WITH ORDINALITY of_it(found, place)
           ORDER BY of_it.place) AS "array";
END;
