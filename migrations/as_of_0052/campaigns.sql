-- One text to many.

-- One text to many contacts of a team. `wake_at` is when the sweep must see to it.
CREATE TABLE campaigns (
    id bigserial CONSTRAINT pk_campaigns PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_campaigns_tenant_id REFERENCES tenants,
    team_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    user_id bigint NOT NULL,
    name text NOT NULL,
    body text NOT NULL,
    segment jsonb NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    send_at timestamptz,
    wake_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT uq_campaigns_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_campaigns_state
        CHECK (state IN ('draft', 'scheduled', 'missed', 'sending', 'paused', 'cancelled', 'finished')),
    CONSTRAINT fk_campaigns_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes (tenant_id, id),
    CONSTRAINT fk_campaigns_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    CONSTRAINT fk_campaigns_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
ALTER TABLE messages ADD CONSTRAINT fk_messages_campaign_id FOREIGN KEY (tenant_id, campaign_id)
    REFERENCES campaigns (tenant_id, id);
CREATE INDEX ix_campaigns_due ON campaigns (tenant_id, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX ix_campaigns_latest ON campaigns (tenant_id, id DESC);
GRANT SELECT, INSERT, UPDATE, DELETE ON campaigns TO cadence_app;

-- One whom a campaign texts, or leaves out for a reason. No foreign key to tenants, which the campaign has:
-- a check for each row would be a third of a preview's time.
CREATE TABLE campaign_recipients (
    id bigserial CONSTRAINT pk_campaign_recipients PRIMARY KEY,
    campaign_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    contact_id bigint,
    entry text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    zones text NOT NULL,
    message_id bigint,
    sent_at timestamptz,
    CONSTRAINT ck_campaign_recipients_reason CHECK ((state = 'left_out') = (reason <> '')),
    CONSTRAINT ck_campaign_recipients_state
        CHECK (state IN ('left_out', 'waiting', 'sending', 'sent', 'delivered', 'failed', 'suppressed',
            'cancelled')),
    CONSTRAINT fk_campaign_recipients_campaign_id FOREIGN KEY (tenant_id, campaign_id)
        REFERENCES campaigns (tenant_id, id),
    CONSTRAINT fk_campaign_recipients_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_campaign_recipients_message_id FOREIGN KEY (tenant_id, message_id)
        REFERENCES messages (tenant_id, id)
);
CREATE INDEX ix_campaign_recipients_state ON campaign_recipients (campaign_id, state, reason, id);
CREATE INDEX ix_campaign_recipients_waiting ON campaign_recipients (campaign_id, zones, id)
    WHERE state = 'waiting';
CREATE UNIQUE INDEX uq_campaign_recipients_contact ON campaign_recipients (campaign_id, contact_id)
    WHERE state <> 'left_out';
CREATE UNIQUE INDEX uq_campaign_recipients_message ON campaign_recipients (message_id)
    WHERE message_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON campaign_recipients TO cadence_app;
