-- Inboxes, the accounts with carriers that they use, and what carriers posted until it is taken in.

-- An account with a carrier. Which carriers there are is the program's to know (messaging/providers), and is
-- not repeated here.
CREATE TABLE carrier_accounts (
    id bigserial CONSTRAINT pk_carrier_accounts PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_carrier_accounts_tenant_id REFERENCES tenants,
    carrier text NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    keyword_answers text NOT NULL,
    settings jsonb NOT NULL,
    secrets text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    self_managed jsonb NOT NULL DEFAULT '[]',
    read_to timestamptz NOT NULL DEFAULT now(),
    settled_to timestamptz NOT NULL DEFAULT now(),
    read_tried_at timestamptz,
    read_problem text NOT NULL DEFAULT '',
    CONSTRAINT uq_carrier_accounts_key UNIQUE (key),
    CONSTRAINT uq_carrier_accounts_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_carrier_accounts_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT ck_carrier_accounts_keyword_answers CHECK (keyword_answers IN ('ours', 'built_in', 'told'))
);
GRANT SELECT, INSERT, UPDATE ON carrier_accounts TO cadence_app;

-- A number that a team texts from: the whole team's, or one user's in it.
CREATE TABLE inboxes (
    id bigserial CONSTRAINT pk_inboxes PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_inboxes_tenant_id REFERENCES tenants,
    team_id bigint NOT NULL,
    user_id bigint,
    kind text NOT NULL,
    name text NOT NULL,
    number text NOT NULL,
    provider text NOT NULL,
    closed_at timestamptz,
    texts_per_second bigint NOT NULL DEFAULT '5',
    next_text_at timestamptz,
    carrier_account_id bigint,
    CONSTRAINT uq_inboxes_number UNIQUE (number),
    CONSTRAINT uq_inboxes_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_inboxes_kind CHECK (kind IN ('shared', 'personal')),
    CONSTRAINT ck_inboxes_owner CHECK ((kind = 'personal') = (user_id IS NOT NULL)),
    CONSTRAINT ck_inboxes_texts_per_second CHECK (texts_per_second > 0),
    CONSTRAINT fk_inboxes_carrier_account_id FOREIGN KEY (tenant_id, carrier_account_id)
        REFERENCES carrier_accounts (tenant_id, id),
    CONSTRAINT fk_inboxes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    CONSTRAINT fk_inboxes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_inboxes_tenant_id ON inboxes (tenant_id);
GRANT SELECT, INSERT, UPDATE ON inboxes TO cadence_app;

-- What a carrier posted, kept until it is taken in: the answer to the carrier promises it.
CREATE TABLE carrier_events (
    id bigserial CONSTRAINT pk_carrier_events PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_carrier_events_tenant_id REFERENCES tenants,
    account_id bigint NOT NULL,
    event_key text NOT NULL,
    content jsonb NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts bigint NOT NULL,
    next_attempt_at timestamptz DEFAULT now(),
    problem text NOT NULL,
    CONSTRAINT uq_carrier_events_account_id_event_key UNIQUE (account_id, event_key),
    CONSTRAINT fk_carrier_events_account_id FOREIGN KEY (tenant_id, account_id)
        REFERENCES carrier_accounts (tenant_id, id)
);
CREATE INDEX ix_carrier_events_waiting ON carrier_events (tenant_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON carrier_events TO cadence_app;

-- A post that a carrier proved and nobody could read, until an admin has: it may be an opt out.
CREATE TABLE unread_posts (
    id bigserial CONSTRAINT pk_unread_posts PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_unread_posts_tenant_id REFERENCES tenants,
    account_id bigint NOT NULL,
    event_key text NOT NULL,
    why text NOT NULL,
    content text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    words text NOT NULL,
    said_at timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_on date,
    decision text NOT NULL,
    decided_at timestamptz,
    decided_by_id bigint,
    note text NOT NULL DEFAULT '',
    CONSTRAINT uq_unread_posts_account_id_event_key UNIQUE (account_id, event_key),
    CONSTRAINT ck_unread_posts_decision CHECK (decision IN ('open', 'read', 'handled', 'opted_out')),
    CONSTRAINT fk_unread_posts_account_id FOREIGN KEY (tenant_id, account_id)
        REFERENCES carrier_accounts (tenant_id, id),
    CONSTRAINT fk_unread_posts_decided_by_id FOREIGN KEY (tenant_id, decided_by_id)
        REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_unread_posts_decided ON unread_posts (tenant_id, decided_at) WHERE decision <> 'open';
CREATE INDEX ix_unread_posts_open ON unread_posts (tenant_id, due_on, id) WHERE decision = 'open';
GRANT SELECT, INSERT, UPDATE, DELETE ON unread_posts TO cadence_app;

-- When the web server last could take a text in. One row for the installation, of no tenant.
CREATE TABLE inbound_beat (
    id bigint CONSTRAINT pk_inbound_beat PRIMARY KEY,
    beat_at timestamptz NOT NULL,
    CONSTRAINT ck_inbound_beat_one CHECK (id = 1)
);
GRANT SELECT, UPDATE ON inbound_beat TO cadence_app;

-- A time in which no text could come in, of the installation and of no tenant.
CREATE TABLE inbound_gaps (
    id bigserial CONSTRAINT pk_inbound_gaps PRIMARY KEY,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL
);
CREATE INDEX ix_inbound_gaps_ended ON inbound_gaps (ended_at);
GRANT SELECT, INSERT ON inbound_gaps TO cadence_app;
