-- Mails about events in a team.

-- Whether, how soon and to whom a team's events of one kind are mailed.
CREATE TABLE notification_rules (
    id bigserial CONSTRAINT pk_notification_rules PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_notification_rules_tenant_id REFERENCES tenants,
    team_id bigint NOT NULL,
    event text NOT NULL,
    enabled boolean NOT NULL,
    pace text NOT NULL,
    cursor bigint NOT NULL,
    digest_at timestamptz,
    CONSTRAINT uq_notification_rules_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_notification_rules_tenant_id_team_id_event UNIQUE (tenant_id, team_id, event),
    CONSTRAINT ck_notification_rules_digest CHECK ((pace = 'daily') = (digest_at IS NOT NULL)),
    CONSTRAINT ck_notification_rules_event
        CHECK (event IN ('status_change', 'unknown_contact', 'contact_added')),
    CONSTRAINT ck_notification_rules_pace CHECK (pace IN ('immediate', 'daily')),
    CONSTRAINT fk_notification_rules_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE ON notification_rules TO cadence_app;

-- An address that a rule's mails go to. Whoever unsubscribed stays, so that nobody adds them again
-- unknowingly.
CREATE TABLE notification_recipients (
    id bigserial CONSTRAINT pk_notification_recipients PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_notification_recipients_tenant_id REFERENCES tenants,
    rule_id bigint NOT NULL,
    email text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    unsubscribed_at timestamptz,
    CONSTRAINT fk_notification_recipients_rule_id FOREIGN KEY (tenant_id, rule_id)
        REFERENCES notification_rules (tenant_id, id)
);
CREATE UNIQUE INDEX uq_notification_recipients_email ON notification_recipients (rule_id, lower(email));
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_recipients TO cadence_app;
