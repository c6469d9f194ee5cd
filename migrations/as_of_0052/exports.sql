-- Exports by mail and to servers, schedules, and saved filters.

-- A place that files are delivered to.
CREATE TABLE destinations (
    id bigserial CONSTRAINT pk_destinations PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_destinations_tenant_id REFERENCES tenants,
    kind text NOT NULL,
    name text NOT NULL,
    place jsonb NOT NULL,
    secret text NOT NULL,
    host_key text NOT NULL,
    file_pattern text NOT NULL,
    with_digest boolean NOT NULL,
    when_taken text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    paused_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT uq_destinations_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_destinations_kind CHECK (kind IN ('sftp', 's3')),
    CONSTRAINT ck_destinations_when_taken CHECK (when_taken IN ('replace', 'wait'))
);
CREATE UNIQUE INDEX uq_destinations_name ON destinations (tenant_id, lower(name)) WHERE deleted_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON destinations TO cadence_app;

-- What to export, when and for whom.
CREATE TABLE export_schedules (
    id bigserial CONSTRAINT pk_export_schedules PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_export_schedules_tenant_id REFERENCES tenants,
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
    created_at timestamptz NOT NULL DEFAULT now(),
    next_run_at timestamptz NOT NULL,
    paused_at timestamptz,
    deleted_at timestamptz,
    gone_at timestamptz,
    remind_at timestamptz,
    CONSTRAINT uq_export_schedules_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_export_schedules_every CHECK (every IN ('day', 'week', 'month')),
    CONSTRAINT ck_export_schedules_format CHECK (format IN ('csv', 'xlsx')),
    CONSTRAINT ck_export_schedules_hour CHECK (hour BETWEEN 0 AND 23),
    CONSTRAINT ck_export_schedules_month_day CHECK (month_day BETWEEN 1 AND 31),
    CONSTRAINT ck_export_schedules_period CHECK (period IN ('day', 'week', 'month', 'changed', 'now')),
    CONSTRAINT ck_export_schedules_weekday CHECK (weekday BETWEEN 0 AND 6),
    CONSTRAINT fk_export_schedules_owner_id FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_export_schedules_due ON export_schedules (tenant_id, next_run_at);
GRANT SELECT, INSERT, UPDATE ON export_schedules TO cadence_app;

-- Who a schedule's files are mailed to.
CREATE TABLE export_schedule_recipients (
    schedule_id bigint NOT NULL,
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_export_schedule_recipients_tenant_id REFERENCES tenants,
    CONSTRAINT pk_export_schedule_recipients PRIMARY KEY (schedule_id, user_id),
    CONSTRAINT fk_export_schedule_recipients_schedule_id FOREIGN KEY (tenant_id, schedule_id)
        REFERENCES export_schedules (tenant_id, id),
    CONSTRAINT fk_export_schedule_recipients_user_id FOREIGN KEY (tenant_id, user_id)
        REFERENCES users (tenant_id, id)
);
GRANT SELECT, INSERT, DELETE ON export_schedule_recipients TO cadence_app;

-- Where a schedule's files are delivered.
CREATE TABLE export_schedule_destinations (
    schedule_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_export_schedule_destinations_tenant_id REFERENCES tenants,
    CONSTRAINT pk_export_schedule_destinations PRIMARY KEY (schedule_id, destination_id),
    CONSTRAINT fk_export_schedule_destinations_destination_id FOREIGN KEY (tenant_id, destination_id)
        REFERENCES destinations (tenant_id, id),
    CONSTRAINT fk_export_schedule_destinations_schedule_id FOREIGN KEY (tenant_id, schedule_id)
        REFERENCES export_schedules (tenant_id, id)
);
CREATE INDEX ix_export_schedule_destinations_destination_id ON export_schedule_destinations (destination_id);
GRANT SELECT, INSERT, DELETE ON export_schedule_destinations TO cadence_app;

-- One request for a file: the only record of it that counts.
CREATE TABLE exports (
    id bigserial CONSTRAINT pk_exports PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_exports_tenant_id REFERENCES tenants,
    kind text NOT NULL,
    start_date date NOT NULL,
    end_date date NOT NULL,
    time_zone text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    requested_by_id bigint NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL,
    rows_total bigint,
    rows_written bigint NOT NULL,
    size bigint,
    sha256 text NOT NULL,
    file_key text NOT NULL,
    delivery text NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    problem text NOT NULL,
    finished_at timestamptz,
    sent_at timestamptz,
    expires_at timestamptz,
    format text NOT NULL DEFAULT 'csv',
    filters jsonb NOT NULL DEFAULT '{}',
    extra_columns jsonb NOT NULL DEFAULT '[]',
    schedule_id bigint,
    scheduled_for timestamptz,
    after_change_id bigint,
    up_to_change_id bigint,
    left_out bigint NOT NULL DEFAULT '0',
    CONSTRAINT uq_exports_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_exports_changes CHECK (up_to_change_id >= after_change_id),
    CONSTRAINT ck_exports_format CHECK (format IN ('csv', 'xlsx')),
    CONSTRAINT ck_exports_range CHECK (end_date >= start_date),
    CONSTRAINT ck_exports_state CHECK (state IN ('queued', 'running', 'mailing', 'sent', 'failed')),
    CONSTRAINT fk_exports_requested_by_id FOREIGN KEY (tenant_id, requested_by_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_exports_schedule_id FOREIGN KEY (tenant_id, schedule_id)
        REFERENCES export_schedules (tenant_id, id)
);
CREATE INDEX ix_exports_expiring ON exports (tenant_id, expires_at) WHERE file_key <> '';
CREATE INDEX ix_exports_latest ON exports (tenant_id, id DESC);
CREATE INDEX ix_exports_schedule ON exports (schedule_id, id);
CREATE INDEX ix_exports_unfinished ON exports (tenant_id, next_attempt_at)
    WHERE state IN ('queued', 'running', 'mailing');
CREATE UNIQUE INDEX uq_exports_run ON exports (schedule_id, scheduled_for) WHERE scheduled_for IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON exports TO cadence_app;

-- Whom an export is mailed to: a row each, so that a mail that reached one is not sent again while it is
-- tried for another. Who is no recipient of the schedule any more is taken off what could not be mailed to
-- them.
CREATE TABLE export_recipients (
    export_id bigint NOT NULL,
    user_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_export_recipients_tenant_id REFERENCES tenants,
    sent_at timestamptz,
    problem text NOT NULL,
    CONSTRAINT pk_export_recipients PRIMARY KEY (export_id, user_id),
    CONSTRAINT fk_export_recipients_export_id FOREIGN KEY (tenant_id, export_id)
        REFERENCES exports (tenant_id, id),
    CONSTRAINT fk_export_recipients_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON export_recipients TO cadence_app;

-- Where an export is delivered, with the same reason for a row each.
CREATE TABLE export_deliveries (
    export_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_export_deliveries_tenant_id REFERENCES tenants,
    file_name text NOT NULL,
    state text NOT NULL,
    attempts bigint NOT NULL,
    problem text NOT NULL,
    delivered_at timestamptz,
    tell_at timestamptz,
    CONSTRAINT pk_export_deliveries PRIMARY KEY (export_id, destination_id),
    CONSTRAINT ck_export_deliveries_state CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
    CONSTRAINT fk_export_deliveries_destination_id FOREIGN KEY (tenant_id, destination_id)
        REFERENCES destinations (tenant_id, id),
    CONSTRAINT fk_export_deliveries_export_id FOREIGN KEY (tenant_id, export_id)
        REFERENCES exports (tenant_id, id)
);
CREATE INDEX ix_export_deliveries_destination_id ON export_deliveries (destination_id);
CREATE INDEX ix_export_deliveries_tell ON export_deliveries (tenant_id, tell_at) WHERE tell_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON export_deliveries TO cadence_app;

-- The filters, columns and format of a kind under a name.
CREATE TABLE saved_filters (
    id bigserial CONSTRAINT pk_saved_filters PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_saved_filters_tenant_id REFERENCES tenants,
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
    CONSTRAINT ck_saved_filters_days
        CHECK ((days = 'fixed') = ((start_date IS NOT NULL) AND (end_date IS NOT NULL))),
    CONSTRAINT ck_saved_filters_format CHECK (format IN ('csv', 'xlsx')),
    CONSTRAINT fk_saved_filters_owner_id FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX uq_saved_filters_name ON saved_filters (tenant_id, owner_id, kind, lower(name));
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_filters TO cadence_app;
