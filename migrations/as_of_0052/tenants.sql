-- Organisations, their teams and users, and the log of what was set.

-- One client organisation. Whoever signs in is looked for in all of them, so every transaction may read the
-- rows, and one may be made before there is a tenant to be in; only its own transaction changes one.
CREATE TABLE tenants (
    id bigserial CONSTRAINT pk_tenants PRIMARY KEY,
    name text NOT NULL,
    navigation text NOT NULL,
    time_zone text NOT NULL,
    keyword_policy text NOT NULL,
    keyword_policy_from date,
    possible_opt_out_policy text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    second_factor text NOT NULL DEFAULT 'optional',
    suspended_at timestamptz,
    retention_years bigint DEFAULT '5',
    retention_monthly boolean NOT NULL DEFAULT false,
    texts_from bigint NOT NULL DEFAULT '8',
    texts_until bigint NOT NULL DEFAULT '21',
    keyword_policy_told bigint,  -- the days before the policy's day that were told of
    ask_team_only boolean NOT NULL DEFAULT false,
    numbers_read smallint NOT NULL DEFAULT '1',  -- how their stored numbers were read; 1: strictly
    CONSTRAINT uq_tenants_name UNIQUE (name),
    CONSTRAINT ck_tenants_keyword_policy CHECK (keyword_policy IN ('team', 'organisation')),
    CONSTRAINT ck_tenants_navigation CHECK (navigation IN ('teams', 'legacy')),
    CONSTRAINT ck_tenants_possible_opt_out_policy CHECK (possible_opt_out_policy IN ('hold', 'opt_out')),
    CONSTRAINT ck_tenants_retention_years CHECK (retention_years BETWEEN 1 AND 25),
    CONSTRAINT ck_tenants_second_factor CHECK (second_factor IN ('optional', 'admins', 'everybody')),
    CONSTRAINT ck_tenants_texting_hours
        CHECK (0 <= texts_from AND texts_from < texts_until AND texts_until <= 24)
);
GRANT SELECT, INSERT, UPDATE ON tenants TO cadence_app;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY readable ON tenants FOR SELECT USING (true);
CREATE POLICY creatable ON tenants FOR INSERT WITH CHECK (true);
CREATE POLICY tenant ON tenants FOR UPDATE
    USING (id = nullif(current_setting('cadence.tenant_id', true), '')::bigint);
CREATE POLICY backup ON tenants FOR SELECT TO cadence_backup USING (true);

-- A group of users. The three texts are empty where the team uses the defaults.
CREATE TABLE teams (
    id bigserial CONSTRAINT pk_teams PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_teams_tenant_id REFERENCES tenants,
    name text NOT NULL,
    code text NOT NULL,
    opt_out_text text NOT NULL,
    opt_in_text text NOT NULL,
    help_text text NOT NULL,
    closed_at timestamptz,
    CONSTRAINT uq_teams_tenant_id_code UNIQUE (tenant_id, code),
    CONSTRAINT uq_teams_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_teams_tenant_id_name UNIQUE (tenant_id, name)
);
GRANT SELECT, INSERT, UPDATE ON teams TO cadence_app;

-- Who signs in, in one tenant only.
CREATE TABLE users (
    id bigserial CONSTRAINT pk_users PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_users_tenant_id REFERENCES tenants,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    active boolean NOT NULL,
    time_zone text,
    invited_at timestamptz,
    password_changed_at timestamptz,
    second_factor_secret text NOT NULL DEFAULT '',
    second_factor_since timestamptz,
    second_factor_step bigint NOT NULL DEFAULT '0',
    single_sign_on_subject text,
    shortcuts boolean NOT NULL DEFAULT true,
    confirmed_at timestamptz,
    new_email text NOT NULL DEFAULT '',
    CONSTRAINT uq_users_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_users_role CHECK (role IN ('admin', 'agent', 'auditor'))
);
CREATE INDEX ix_users_tenant_id ON users (tenant_id);
-- An address is reserved by who has confirmed it and by nobody before: organisations invite whom they like,
-- and the first to accept takes it. Of a deactivated user it is free again.
CREATE UNIQUE INDEX uq_users_email ON users (lower(email)) WHERE confirmed_at IS NOT NULL AND active;
CREATE UNIQUE INDEX uq_users_single_sign_on_subject ON users (tenant_id, single_sign_on_subject);
CREATE UNIQUE INDEX uq_users_tenant_email ON users (tenant_id, lower(email));
GRANT SELECT, INSERT, UPDATE ON users TO cadence_app;

-- Who is in which team.
CREATE TABLE team_members (
    team_id bigint NOT NULL,
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_team_members_tenant_id REFERENCES tenants,
    CONSTRAINT pk_team_members PRIMARY KEY (team_id, user_id),
    CONSTRAINT fk_team_members_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    CONSTRAINT fk_team_members_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_team_members_user_id ON team_members (user_id);
GRANT SELECT, INSERT, DELETE ON team_members TO cadence_app;

-- One change of a setting, as it was. Append-only, like the history of consent.
CREATE TABLE audit_entries (
    id bigserial CONSTRAINT pk_audit_entries PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_audit_entries_tenant_id REFERENCES tenants,
    at timestamptz NOT NULL DEFAULT now(),
    user_id bigint,
    user_name text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    changes jsonb NOT NULL,
    CONSTRAINT fk_audit_entries_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_audit_entries_order ON audit_entries (tenant_id, id);
GRANT SELECT, INSERT ON audit_entries TO cadence_app;
