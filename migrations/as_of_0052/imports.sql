-- Files of contacts: the requests, their rows while they wait, and what is remembered of them.

-- One file and what was done with it: the only record that counts.
CREATE TABLE imports (
    id bigserial CONSTRAINT pk_imports PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_imports_tenant_id REFERENCES tenants,
    user_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    file_name text NOT NULL,
    file_key text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    options jsonb NOT NULL,
    headers jsonb NOT NULL,
    columns jsonb NOT NULL,
    default_teams jsonb NOT NULL,
    state text NOT NULL,
    touched_at timestamptz NOT NULL DEFAULT now(),
    attempts bigint NOT NULL,
    problem text NOT NULL,
    started_at timestamptz,
    cancelled_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz NOT NULL,
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
    area_code text NOT NULL DEFAULT '',
    local_numbers bigint NOT NULL DEFAULT '0',
    rows_hidden bigint NOT NULL DEFAULT '0',
    rows_older bigint NOT NULL DEFAULT '0',
    refused_opt_outs bigint NOT NULL DEFAULT '0',
    opt_ins_outvoted bigint NOT NULL DEFAULT '0',
    opt_outs_older bigint NOT NULL DEFAULT '0',
    refusals jsonb NOT NULL DEFAULT '{}',
    unknown_codes jsonb NOT NULL DEFAULT '{}',
    code_teams jsonb NOT NULL DEFAULT '{}',
    agreed_reason text NOT NULL DEFAULT '',
    preview jsonb NOT NULL DEFAULT '{}',
    asked jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT uq_imports_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_imports_state
        CHECK (state IN ('opening', 'draft', 'checking', 'ready', 'importing', 'done', 'cancelled',
            'failed')),
    CONSTRAINT fk_imports_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_imports_expiring ON imports (tenant_id, expires_at)
    WHERE (file_key <> '' OR result_key <> '') AND state NOT IN ('opening', 'checking', 'importing');
CREATE INDEX ix_imports_finished ON imports (tenant_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX ix_imports_latest ON imports (tenant_id, id DESC);
CREATE INDEX ix_imports_working ON imports (tenant_id, touched_at)
    WHERE state IN ('opening', 'checking', 'importing');
GRANT SELECT, INSERT, UPDATE ON imports TO cadence_app;

-- One row of a file, read and understood, while it waits.
CREATE TABLE import_rows (
    import_id bigint NOT NULL,
    line bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_import_rows_tenant_id REFERENCES tenants,
    first_name text NOT NULL,
    last_name text NOT NULL,
    external_id text NOT NULL,
    number text NOT NULL,
    team_ids bigint[] NOT NULL,
    status text,
    tags text[] NOT NULL,
    custom jsonb NOT NULL,
    problems jsonb NOT NULL,
    said_at timestamptz,
    older_than bigint,
    choice text,
    heard text,
    agreed boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_import_rows PRIMARY KEY (import_id, line),
    CONSTRAINT ck_import_rows_import_rows_choice CHECK (choice IS NULL OR choice IN ('update', 'further')),
    CONSTRAINT ck_import_rows_import_rows_heard
        CHECK (heard IS NULL OR heard IN ('counts', 'older', 'nobody', 'no_team')),
    CONSTRAINT fk_import_rows_import_id FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id)
);
CREATE INDEX ix_import_rows_external_id ON import_rows (import_id, external_id) WHERE external_id <> '';
CREATE INDEX ix_import_rows_number ON import_rows (import_id, number) WHERE number <> '';
CREATE INDEX ix_import_rows_opt_outs ON import_rows (import_id, line) WHERE status = 'opted_out';
GRANT SELECT, INSERT, UPDATE, DELETE ON import_rows TO cadence_app;

-- What became of a row.
CREATE TABLE import_outcomes (
    import_id bigint NOT NULL,
    line bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_import_outcomes_tenant_id REFERENCES tenants,
    result text NOT NULL,
    contact_id bigint,
    waits_for_id bigint,
    moved boolean NOT NULL,
    note text NOT NULL,
    kind text NOT NULL DEFAULT '',
    number_stopped boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_import_outcomes PRIMARY KEY (import_id, line),
    CONSTRAINT ck_import_outcomes_result
        CHECK (result IN ('new', 'updated', 'unchanged', 'refused', 'waiting')),
    CONSTRAINT fk_import_outcomes_import_id FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports (tenant_id, id)
);
CREATE INDEX ix_import_outcomes_noted ON import_outcomes (import_id, line) WHERE note <> '';
GRANT SELECT, INSERT, UPDATE, DELETE ON import_outcomes TO cadence_app;

-- A contact and team for whom the file's last word is an opt out: decided before its rows are applied.
CREATE TABLE import_opt_outs (
    import_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_import_opt_outs_tenant_id REFERENCES tenants,
    changed boolean NOT NULL,
    CONSTRAINT pk_import_opt_outs PRIMARY KEY (import_id, contact_id, team_id),
    CONSTRAINT fk_import_opt_outs_import_id FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON import_opt_outs TO cadence_app;

-- A contact whom an import named.
CREATE TABLE import_contacts (
    import_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    CONSTRAINT pk_import_contacts PRIMARY KEY (import_id, contact_id),
    CONSTRAINT fk_import_contacts_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_import_contacts_import_id FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports (tenant_id, id)
);
CREATE INDEX ix_import_contacts_contact_id ON import_contacts (contact_id);
GRANT SELECT, INSERT, DELETE ON import_contacts TO cadence_app;

-- What a tenant last imported the column of this name as.
CREATE TABLE import_mappings (
    tenant_id bigint NOT NULL CONSTRAINT fk_import_mappings_tenant_id REFERENCES tenants,
    header text NOT NULL,
    target text NOT NULL,
    CONSTRAINT pk_import_mappings PRIMARY KEY (tenant_id, header)
);
GRANT SELECT, INSERT, UPDATE ON import_mappings TO cadence_app;

-- The team that a tenant last chose for a code which no team of it has.
CREATE TABLE import_codes (
    tenant_id bigint NOT NULL CONSTRAINT fk_import_codes_tenant_id REFERENCES tenants,
    code text NOT NULL,
    team_id bigint NOT NULL,
    CONSTRAINT pk_import_codes PRIMARY KEY (tenant_id, code),
    CONSTRAINT fk_import_codes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE ON import_codes TO cadence_app;
