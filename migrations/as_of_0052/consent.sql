-- The ledger: the history of consent, the status that it leaves, and what stands beside it.

-- One row of the append-only history, as everything was at that moment: a status that a contact got in a
-- team.
CREATE TABLE opt_out_changes (
    id bigserial CONSTRAINT pk_opt_out_changes PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_opt_out_changes_tenant_id REFERENCES tenants,
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    status text NOT NULL,
    changed_at timestamptz NOT NULL,
    source text NOT NULL,
    user_id bigint,
    message_id bigint,
    first_name text NOT NULL,
    last_name text NOT NULL,
    external_id text NOT NULL,
    number text NOT NULL,
    team_code text NOT NULL,
    user_name text NOT NULL,
    words text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT uq_opt_out_changes_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_opt_out_changes_source
        CHECK (source IN ('cold_inbound', 'manual_add', 'keyword', 'toggle', 'import', 'api',
            'number_change', 'merge')),
    CONSTRAINT ck_opt_out_changes_status CHECK (status IN ('opted_in', 'opted_out')),
    CONSTRAINT fk_opt_out_changes_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_opt_out_changes_message_id FOREIGN KEY (tenant_id, message_id)
        REFERENCES messages (tenant_id, id),
    CONSTRAINT fk_opt_out_changes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    CONSTRAINT fk_opt_out_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
-- The same for the sources that are not in the report.
CREATE INDEX ix_opt_out_changes_carried ON opt_out_changes (tenant_id, changed_at, id)
    INCLUDE (team_id, user_id, status, source) WHERE source IN ('number_change', 'merge');
CREATE INDEX ix_opt_out_changes_contact ON opt_out_changes (contact_id, team_id, id);
-- All sources, unlike the report's index: seals cover imports and the API too.
CREATE INDEX ix_opt_out_changes_day ON opt_out_changes (tenant_id, changed_at, id);
-- What points to a row that goes is looked for by this, as below by those on contacts and messages.
CREATE INDEX ix_opt_out_changes_message ON opt_out_changes (message_id) WHERE message_id IS NOT NULL;
-- It carries what the report counts and filters by, so that a page of a million rows is found, and its
-- totals counted, without reading the rows themselves.
CREATE INDEX ix_opt_out_changes_report ON opt_out_changes (tenant_id, changed_at, id)
    INCLUDE (team_id, user_id, status, source)
    WHERE source IN ('cold_inbound', 'manual_add', 'keyword', 'toggle');
-- A part of a name, an id or a number is found by the threes in it (functions/threes.sql).
CREATE INDEX ix_opt_out_changes_threes ON opt_out_changes USING gin
    (threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number)));
GRANT SELECT, INSERT ON opt_out_changes TO cadence_app;

-- The status of one contact in one team, as the last change left it. The application deletes none:
-- leave_teams() does.
CREATE TABLE consents (
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_consents_tenant_id REFERENCES tenants,
    status text NOT NULL,
    since timestamptz NOT NULL,
    change_id bigint NOT NULL,
    stopped_at timestamptz,
    CONSTRAINT pk_consents PRIMARY KEY (contact_id, team_id),
    CONSTRAINT ck_consents_status CHECK (status IN ('opted_in', 'opted_out')),
    CONSTRAINT fk_consents_change_id FOREIGN KEY (tenant_id, change_id)
        REFERENCES opt_out_changes (tenant_id, id),
    CONSTRAINT fk_consents_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_consents_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
-- What finds the rows whose status rests on a change.
CREATE INDEX ix_consents_change ON consents (change_id);
CREATE INDEX ix_consents_team ON consents (team_id);
GRANT SELECT, INSERT, UPDATE ON consents TO cadence_app;

-- What stands beside consent with a scope of its own. A carrier's block is of the number that texted the
-- word, another one with a number is of that number's earlier holder; without a number it is of the person.
CREATE TABLE blocks (
    id bigserial CONSTRAINT pk_blocks PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_blocks_tenant_id REFERENCES tenants,
    contact_id bigint NOT NULL,
    scope text NOT NULL,
    inbox_id bigint,
    since timestamptz NOT NULL DEFAULT now(),
    number text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    team_id bigint,
    CONSTRAINT uq_blocks_contact_id_scope_inbox_id_number_team_id
        UNIQUE NULLS NOT DISTINCT (contact_id, scope, inbox_id, number, team_id),
    CONSTRAINT ck_blocks_scope CHECK (scope IN ('team', 'personal', 'organisation', 'carrier_number')),
    CONSTRAINT ck_blocks_team CHECK ((scope = 'team') = (team_id IS NOT NULL)),
    CONSTRAINT fk_blocks_contact_id FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_blocks_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes (tenant_id, id),
    CONSTRAINT fk_blocks_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX ix_blocks_carrier ON blocks (tenant_id, number) WHERE scope = 'carrier_number' AND number <> '';
GRANT SELECT, INSERT, UPDATE, DELETE ON blocks TO cadence_app;

-- What tells the application that its key is the one that the numbers here were digested with. The key is
-- never in the database, so that who has only the database can't find the numbers by trying them all.
CREATE TABLE number_key_check (
    single boolean DEFAULT true CONSTRAINT pk_number_key_check PRIMARY KEY,
    digest bytea NOT NULL,
    CONSTRAINT ck_number_key_check_single CHECK (single)
);
GRANT SELECT ON number_key_check TO cadence_app;

-- A stop belongs to the number whose phone said it, and outlasts whoever had the number.
CREATE TABLE number_stops (
    id bigserial CONSTRAINT pk_number_stops PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_number_stops_tenant_id REFERENCES tenants,
    digest bytea NOT NULL,
    scope text NOT NULL,
    team_id bigint,
    said_at timestamptz NOT NULL,
    origin text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT uq_number_stops_tenant_id_digest_scope_team_id
        UNIQUE NULLS NOT DISTINCT (tenant_id, digest, scope, team_id),
    CONSTRAINT ck_number_stops_origin CHECK (origin IN ('text', 'erased', 'aged')),
    CONSTRAINT ck_number_stops_scope CHECK (scope IN ('team', 'personal', 'organisation')),
    CONSTRAINT ck_number_stops_team CHECK ((scope = 'team') = (team_id IS NOT NULL)),
    CONSTRAINT fk_number_stops_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON number_stops TO cadence_app;

-- A text that reads like an opt out. While it is open, automated texts to the contact in the team are held.
CREATE TABLE possible_opt_outs (
    id bigserial CONSTRAINT pk_possible_opt_outs PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_possible_opt_outs_tenant_id REFERENCES tenants,
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    message_id bigint,
    words text NOT NULL,
    received_at timestamptz NOT NULL,
    due_on date NOT NULL,
    decision text NOT NULL,
    decided_at timestamptz,
    decided_by_id bigint,
    message_ids bigint[] NOT NULL DEFAULT '{}',
    phrases text NOT NULL DEFAULT '',
    classifier bigint,
    numbers text[] NOT NULL DEFAULT '{}',
    said_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_possible_opt_outs_decision CHECK (decision IN ('open', 'opted_out', 'dismissed')),
    CONSTRAINT fk_possible_opt_outs_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_possible_opt_outs_decided_by_id FOREIGN KEY (tenant_id, decided_by_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_possible_opt_outs_message_id FOREIGN KEY (tenant_id, message_id)
        REFERENCES messages (tenant_id, id),
    CONSTRAINT fk_possible_opt_outs_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX ix_possible_opt_outs_contact ON possible_opt_outs (contact_id);
CREATE INDEX ix_possible_opt_outs_message ON possible_opt_outs (message_id);
-- The queue asks for those that wait, the one due first in front.
CREATE INDEX ix_possible_opt_outs_queue ON possible_opt_outs (tenant_id, due_on, id) WHERE decision = 'open';
CREATE UNIQUE INDEX uq_possible_opt_outs_open ON possible_opt_outs (contact_id, team_id)
    WHERE decision = 'open';
GRANT SELECT, INSERT, UPDATE, DELETE ON possible_opt_outs TO cadence_app;

-- A word that a tenant added to the built-in ones, as it is compared.
CREATE TABLE custom_keywords (
    id bigserial CONSTRAINT pk_custom_keywords PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_custom_keywords_tenant_id REFERENCES tenants,
    team_id bigint,
    word text NOT NULL,
    meaning text NOT NULL,
    answer text NOT NULL DEFAULT '',
    CONSTRAINT uq_custom_keywords_tenant_id_team_id_word UNIQUE NULLS NOT DISTINCT (tenant_id, team_id, word),
    CONSTRAINT ck_custom_keywords_meaning CHECK (meaning IN ('out', 'in', 'help')),
    CONSTRAINT fk_custom_keywords_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
GRANT SELECT, INSERT, DELETE ON custom_keywords TO cadence_app;

-- A word that counted for every team, whose confirmation asks whether one was meant.
CREATE TABLE team_only_questions (
    contact_id bigint CONSTRAINT pk_team_only_questions PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_team_only_questions_tenant_id REFERENCES tenants,
    team_id bigint NOT NULL,
    message_id bigint NOT NULL,
    reply_id bigint,
    number text NOT NULL,
    said_at timestamptz NOT NULL,
    bar_since timestamptz,
    flag_ids bigint[] NOT NULL,
    stops jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT uq_team_only_questions_tenant_id_contact_id UNIQUE (tenant_id, contact_id),
    CONSTRAINT fk_team_only_questions_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_team_only_questions_message_id FOREIGN KEY (tenant_id, message_id)
        REFERENCES messages (tenant_id, id),
    CONSTRAINT fk_team_only_questions_reply_id FOREIGN KEY (tenant_id, reply_id)
        REFERENCES messages (tenant_id, id),
    CONSTRAINT fk_team_only_questions_team_id FOREIGN KEY (tenant_id, team_id)
        REFERENCES teams (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON team_only_questions TO cadence_app;

-- What the status in another team was before that word.
CREATE TABLE team_only_statuses (
    contact_id bigint NOT NULL,
    team_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_team_only_statuses_tenant_id REFERENCES tenants,
    status text NOT NULL,
    stopped_at timestamptz,
    CONSTRAINT pk_team_only_statuses PRIMARY KEY (contact_id, team_id),
    CONSTRAINT ck_team_only_statuses_status CHECK (status IN ('opted_in', 'opted_out')),
    CONSTRAINT fk_team_only_statuses_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES team_only_questions (tenant_id, contact_id) ON DELETE CASCADE,
    CONSTRAINT fk_team_only_statuses_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
GRANT SELECT, INSERT, DELETE ON team_only_statuses TO cadence_app;
