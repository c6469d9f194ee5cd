-- Who works on what, and the outbox of mails.

-- Who works on what, for as long as work lasts longer than a transaction. `fence` grows with each holder, so
-- that one who lost the lease can tell.
CREATE TABLE leases (
    tenant_id bigint NOT NULL CONSTRAINT fk_leases_tenant_id REFERENCES tenants,
    name text NOT NULL,
    holder text NOT NULL,
    until timestamptz NOT NULL,
    fence bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT pk_leases PRIMARY KEY (tenant_id, name)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO cadence_app;

-- One mail to one person.
CREATE TABLE outgoing_mails (
    id bigserial CONSTRAINT pk_outgoing_mails PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_outgoing_mails_tenant_id REFERENCES tenants,
    kind text NOT NULL,
    recipient text NOT NULL,
    recipient_name text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    useless_after timestamptz,
    attempts bigint NOT NULL,
    next_attempt_at timestamptz DEFAULT now(),
    sent_at timestamptz,
    problem text NOT NULL
);
CREATE INDEX ix_outgoing_mails_due ON outgoing_mails (tenant_id, least(next_attempt_at, useless_after))
    WHERE next_attempt_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON outgoing_mails TO cadence_app;
