-- How long contacts are kept: dry runs, removals and legal holds.

-- That a contact may not be removed, and why.
CREATE TABLE legal_holds (
    contact_id bigint CONSTRAINT pk_legal_holds PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_legal_holds_tenant_id REFERENCES tenants,
    reason text NOT NULL,
    set_by_id bigint NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fk_legal_holds_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_legal_holds_set_by_id FOREIGN KEY (tenant_id, set_by_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_legal_holds_tenant ON legal_holds (tenant_id, set_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON legal_holds TO cadence_app;

-- A dry run and, once that is decided, the removal of what it lists. A tenant has one open run at a time.
CREATE TABLE retention_runs (
    id bigserial CONSTRAINT pk_retention_runs PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_retention_runs_tenant_id REFERENCES tenants,
    state text NOT NULL,
    automatic boolean NOT NULL,
    years bigint NOT NULL,
    before timestamptz NOT NULL,
    requested_by_id bigint,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    touched_at timestamptz NOT NULL DEFAULT now(),
    counted_up_to bigint NOT NULL,
    mailed_at timestamptz,
    remove_at timestamptz,
    approved_by_id bigint,
    approved_at timestamptz,
    finished_at timestamptz,
    digest text NOT NULL,
    problem text NOT NULL,
    CONSTRAINT uq_retention_runs_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_retention_runs_state
        CHECK (state IN ('counting', 'ready', 'waiting', 'removing', 'done', 'stopped', 'failed')),
    CONSTRAINT fk_retention_runs_approved_by_id FOREIGN KEY (tenant_id, approved_by_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_retention_runs_requested_by_id FOREIGN KEY (tenant_id, requested_by_id)
        REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_retention_runs_latest ON retention_runs (tenant_id, id DESC);
CREATE UNIQUE INDEX uq_retention_runs_open ON retention_runs (tenant_id)
    WHERE state IN ('counting', 'ready', 'waiting', 'removing');
GRANT SELECT, INSERT, UPDATE ON retention_runs TO cadence_app;

-- A contact that a run lists. No foreign key: what became of them outlasts them.
CREATE TABLE retention_items (
    run_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_retention_items_tenant_id REFERENCES tenants,
    last_at timestamptz NOT NULL,
    conversations bigint NOT NULL,
    texts bigint NOT NULL,
    changes bigint NOT NULL,
    fate text NOT NULL,
    CONSTRAINT pk_retention_items PRIMARY KEY (run_id, contact_id),
    CONSTRAINT ck_retention_items_fate CHECK (fate IN ('listed', 'removed', 'kept')),
    CONSTRAINT fk_retention_items_run_id FOREIGN KEY (tenant_id, run_id)
        REFERENCES retention_runs (tenant_id, id)
);
CREATE INDEX ix_retention_items_left ON retention_items (run_id, contact_id) WHERE fate = 'listed';
GRANT SELECT, INSERT, UPDATE, DELETE ON retention_items TO cadence_app;
