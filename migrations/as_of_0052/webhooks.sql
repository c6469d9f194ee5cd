-- Outgoing webhooks: endpoints, what was sent to them, and every try.

-- An address that gets each change of consent that fits, in the ledger's order.
CREATE TABLE webhook_endpoints (
    id bigserial CONSTRAINT pk_webhook_endpoints PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_webhook_endpoints_tenant_id REFERENCES tenants,
    url text NOT NULL,
    description text NOT NULL,
    sources text[] NOT NULL,
    team_ids bigint[] NOT NULL,
    secret text NOT NULL,
    former_secret text,
    former_until timestamptz,
    cursor bigint NOT NULL,
    created_by_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    paused_at timestamptz,
    off_at timestamptz,
    off_reason text NOT NULL,
    off_told_at timestamptz,
    deleted_at timestamptz,
    failures bigint NOT NULL,
    failing_since timestamptz,
    quiet_until timestamptz,
    CONSTRAINT uq_webhook_endpoints_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT fk_webhook_endpoints_created_by_id FOREIGN KEY (tenant_id, created_by_id)
        REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_webhook_endpoints_deleted ON webhook_endpoints (tenant_id, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_webhook_endpoints_tenant_id ON webhook_endpoints (tenant_id, id);
CREATE INDEX ix_webhook_endpoints_untold ON webhook_endpoints (tenant_id, id)
    WHERE off_at IS NOT NULL AND off_told_at IS NULL AND deleted_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON webhook_endpoints TO cadence_app;

-- One event for one endpoint.
CREATE TABLE webhook_deliveries (
    id bigserial CONSTRAINT pk_webhook_deliveries PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_webhook_deliveries_tenant_id REFERENCES tenants,
    endpoint_id bigint NOT NULL,
    change_id bigint,
    contact_id bigint,
    event_id text NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT uq_webhook_deliveries_endpoint_id_change_id UNIQUE (endpoint_id, change_id),
    CONSTRAINT uq_webhook_deliveries_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed')),
    CONSTRAINT fk_webhook_deliveries_endpoint_id FOREIGN KEY (tenant_id, endpoint_id)
        REFERENCES webhook_endpoints (tenant_id, id)
);
CREATE INDEX ix_webhook_deliveries_contact ON webhook_deliveries (endpoint_id, contact_id, id);
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_attempt_at, id)
    WHERE state = 'pending';
CREATE INDEX ix_webhook_deliveries_ended ON webhook_deliveries (tenant_id, finished_at)
    WHERE state <> 'pending';
CREATE INDEX ix_webhook_deliveries_log ON webhook_deliveries (endpoint_id, id);
CREATE INDEX ix_webhook_deliveries_order ON webhook_deliveries (endpoint_id, contact_id, id)
    WHERE state = 'pending';
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries TO cadence_app;

-- One try.
CREATE TABLE webhook_attempts (
    id bigserial CONSTRAINT pk_webhook_attempts PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_webhook_attempts_tenant_id REFERENCES tenants,
    delivery_id bigint NOT NULL,
    at timestamptz NOT NULL,
    milliseconds bigint NOT NULL,
    status bigint,
    error text NOT NULL,
    response text NOT NULL,
    CONSTRAINT fk_webhook_attempts_delivery_id FOREIGN KEY (tenant_id, delivery_id)
        REFERENCES webhook_deliveries (tenant_id, id)
);
CREATE INDEX ix_webhook_attempts_delivery_id ON webhook_attempts (delivery_id, id);
GRANT SELECT, INSERT, DELETE ON webhook_attempts TO cadence_app;
