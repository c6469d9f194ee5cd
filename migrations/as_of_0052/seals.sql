-- Each closed UTC day of the history with a digest chained to the day before (docs/proof.md).

-- One closed day of a tenant's history, with or without rows.
CREATE TABLE seals (
    id bigserial CONSTRAINT pk_seals PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_seals_tenant_id REFERENCES tenants,
    day date NOT NULL,
    version bigint NOT NULL,
    rows bigint NOT NULL,
    rows_digest bytea NOT NULL,
    previous_digest bytea,
    digest bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired bigint NOT NULL DEFAULT '0',
    retired_digest bytea,
    CONSTRAINT uq_seals_tenant_id_day UNIQUE (tenant_id, day)
);
GRANT SELECT, INSERT ON seals TO cadence_app;

-- The digest of one row as its day was sealed. No foreign key: it outlasts a row that somebody deletes.
CREATE TABLE sealed_changes (
    change_id bigint CONSTRAINT pk_sealed_changes PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_sealed_changes_tenant_id REFERENCES tenants,
    day date NOT NULL,
    digest bytea NOT NULL
);
CREATE INDEX ix_sealed_changes_day ON sealed_changes (tenant_id, day, change_id);
GRANT SELECT, INSERT ON sealed_changes TO cadence_app;

-- That a row of the history was erased or purged, and what it was, so that the seals still prove the rest.
-- Only erase_changes() and purge_changes() write here.
CREATE TABLE retired_changes (
    id bigserial CONSTRAINT pk_retired_changes PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_retired_changes_tenant_id REFERENCES tenants,
    change_id bigint NOT NULL,
    day date NOT NULL,
    digest bytea NOT NULL,
    how text NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    user_id bigint,
    user_name text NOT NULL,
    reason text NOT NULL,
    replaced bytea,
    CONSTRAINT uq_retired_changes_change_id_how UNIQUE (change_id, how),
    CONSTRAINT ck_retired_changes_how CHECK (how IN ('erased', 'purged')),
    CONSTRAINT ck_retired_changes_replaced CHECK ((how = 'purged') = (replaced IS NULL)),
    CONSTRAINT fk_retired_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_retired_changes_day ON retired_changes (tenant_id, day, change_id);
CREATE INDEX ix_retired_changes_retired ON retired_changes (tenant_id, retired_at, id);
GRANT SELECT ON retired_changes TO cadence_app;

-- A request to recompute the seals, and how it went.
CREATE TABLE seal_checks (
    id bigserial CONSTRAINT pk_seal_checks PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_seal_checks_tenant_id REFERENCES tenants,
    requested_by_id bigint NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL,
    touched_at timestamptz NOT NULL DEFAULT now(),
    days bigint NOT NULL,
    days_total bigint,
    rows bigint NOT NULL,
    last_day date,
    last_digest bytea,
    problem text NOT NULL,
    problem_day date,
    problem_change_id bigint,
    finished_at timestamptz,
    CONSTRAINT ck_seal_checks_state CHECK (state IN ('queued', 'running', 'intact', 'differs', 'failed')),
    CONSTRAINT fk_seal_checks_requested_by_id FOREIGN KEY (tenant_id, requested_by_id)
        REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_seal_checks_latest ON seal_checks (tenant_id, id DESC);
CREATE UNIQUE INDEX uq_seal_checks_unfinished ON seal_checks (tenant_id) WHERE state IN ('queued', 'running');
GRANT SELECT, INSERT, UPDATE ON seal_checks TO cadence_app;
