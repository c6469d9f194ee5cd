-- Conversations, texts and their files, and what colleagues leave for each other in them.

-- All texts between one inbox and one contact.
CREATE TABLE conversations (
    id bigserial CONSTRAINT pk_conversations PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_conversations_tenant_id REFERENCES tenants,
    inbox_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    last_message_at timestamptz NOT NULL,
    last_message_text text NOT NULL,
    unread bigint NOT NULL,
    assignee_id bigint,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT uq_conversations_inbox_id_contact_id UNIQUE (inbox_id, contact_id),
    CONSTRAINT uq_conversations_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT fk_conversations_assignee_id FOREIGN KEY (tenant_id, assignee_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_conversations_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_conversations_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes (tenant_id, id)
);
CREATE INDEX ix_conversations_assignee ON conversations (assignee_id) WHERE assignee_id IS NOT NULL;
-- For the lists of open pages.
CREATE INDEX ix_conversations_changed ON conversations (inbox_id, changed_at DESC, id DESC);
CREATE INDEX ix_conversations_contact_id ON conversations (contact_id);
CREATE INDEX ix_conversations_latest ON conversations (inbox_id, last_message_at DESC, id DESC);
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations TO cadence_app;

-- One text. `send_key` is committed before the carrier is called: after a crash it is what the carrier is
-- asked by. `by_hand` is false for a text that nobody pressed Send for just then. `opened_at` is kept beside
-- the conversation's counter of unread ones, which opening resets and marking unread sets again.
CREATE TABLE messages (
    id bigserial CONSTRAINT pk_messages PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_messages_tenant_id REFERENCES tenants,
    conversation_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    direction text NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    detail text NOT NULL,
    user_id bigint,
    provider_message_id text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    provider_at timestamptz,
    expires_at timestamptz,
    opened_at timestamptz,
    other_number text,  -- where it did not come from, or go to, the one that is texted
    campaign_id bigint,
    by_hand boolean NOT NULL DEFAULT true,
    send_key text,
    attempts bigint NOT NULL DEFAULT '0',
    sending_since timestamptz,
    next_attempt_at timestamptz,
    failure_code text NOT NULL DEFAULT '',
    confirms_team_id bigint,
    unsent_reason text,
    CONSTRAINT uq_messages_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_messages_direction CHECK (direction IN ('inbound', 'outbound')),
    CONSTRAINT ck_messages_state
        CHECK (state IN ('received', 'queued', 'sending', 'sent', 'delivered', 'failed', 'suppressed',
            'dropped')),
    CONSTRAINT ck_messages_unsent_reason
        CHECK (unsent_reason IN ('not_in_team', 'inbox_closed', 'organisation_suspended',
            'number_unsendable', 'opted_out', 'opted_in_again', 'personal_opt_out', 'carrier_block',
            'possible_opt_out', 'too_late', 'cancelled', 'carrier_answers', 'carrier_refused',
            'carrier_busy', 'carrier_unusable', 'lost_sight', 'no_text')),
    CONSTRAINT fk_messages_confirms_team_id FOREIGN KEY (tenant_id, confirms_team_id)
        REFERENCES teams (tenant_id, id),
    CONSTRAINT fk_messages_conversation_id FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES conversations (tenant_id, id),
    CONSTRAINT fk_messages_inbox_id FOREIGN KEY (tenant_id, inbox_id) REFERENCES inboxes (tenant_id, id),
    CONSTRAINT fk_messages_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
-- What message activity reads by.
CREATE INDEX ix_messages_activity ON messages (tenant_id, created_at);
CREATE INDEX ix_messages_campaign_id ON messages (campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX ix_messages_overdue ON messages (tenant_id, coalesce(next_attempt_at, created_at))
    WHERE state = 'queued' AND campaign_id IS NULL;
CREATE INDEX ix_messages_queued ON messages (tenant_id, id) WHERE state = 'queued';
CREATE INDEX ix_messages_sent ON messages (tenant_id, created_at) INCLUDE (inbox_id)
    WHERE direction = 'outbound' AND kind = 'person' AND state IN ('sent', 'delivered');
CREATE INDEX ix_messages_thread ON messages (conversation_id, id);
CREATE INDEX ix_messages_unopened ON messages (conversation_id)
    WHERE direction = 'inbound' AND opened_at IS NULL;
CREATE INDEX ix_messages_unsettled ON messages (tenant_id, coalesce(next_attempt_at, sending_since))
    WHERE state = 'sending' AND campaign_id IS NULL;
CREATE UNIQUE INDEX uq_messages_provider ON messages (inbox_id, provider_message_id)
    WHERE provider_message_id IS NOT NULL;
CREATE UNIQUE INDEX uq_messages_send_key ON messages (send_key) WHERE send_key IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON messages TO cadence_app;

-- A file of a text, in either direction.
CREATE TABLE message_media (
    id bigserial CONSTRAINT pk_message_media PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_message_media_tenant_id REFERENCES tenants,
    message_id bigint NOT NULL,
    "position" bigint NOT NULL,
    account_id bigint,
    url text NOT NULL,
    file_name text NOT NULL,
    content_type text NOT NULL,
    size bigint,
    sha256 text NOT NULL,
    file_key text NOT NULL,
    state text NOT NULL,
    problem text NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at timestamptz,
    CONSTRAINT uq_message_media_message_id_position UNIQUE (message_id, "position"),
    CONSTRAINT ck_message_media_state CHECK (state IN ('waiting', 'stored', 'failed')),
    CONSTRAINT ck_message_media_waiting CHECK ((state = 'waiting') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT fk_message_media_account_id FOREIGN KEY (tenant_id, account_id)
        REFERENCES carrier_accounts (tenant_id, id),
    CONSTRAINT fk_message_media_message_id FOREIGN KEY (tenant_id, message_id)
        REFERENCES messages (tenant_id, id)
);
CREATE INDEX ix_message_media_waiting ON message_media (tenant_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON message_media TO cadence_app;

-- A file that is to leave the storage.
CREATE TABLE discarded_files (
    id bigserial CONSTRAINT pk_discarded_files PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_discarded_files_tenant_id REFERENCES tenants,
    file_key text NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    due_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_discarded_files_due ON discarded_files (tenant_id, due_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON discarded_files TO cadence_app;

-- A user's words for colleagues, which are never texted.
CREATE TABLE notes (
    id bigserial CONSTRAINT pk_notes PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_notes_tenant_id REFERENCES tenants,
    conversation_id bigint NOT NULL,
    user_id bigint NOT NULL,
    body text NOT NULL,
    mentions jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT fk_notes_conversation_id FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES conversations (tenant_id, id),
    CONSTRAINT fk_notes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_notes_thread ON notes (conversation_id, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO cadence_app;

-- That a conversation became somebody's or nobody's.
CREATE TABLE assignment_changes (
    id bigserial CONSTRAINT pk_assignment_changes PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_assignment_changes_tenant_id REFERENCES tenants,
    conversation_id bigint NOT NULL,
    before_id bigint,
    after_id bigint,
    user_id bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT fk_assignment_changes_after_id FOREIGN KEY (tenant_id, after_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_assignment_changes_before_id FOREIGN KEY (tenant_id, before_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_assignment_changes_conversation_id FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES conversations (tenant_id, id),
    CONSTRAINT fk_assignment_changes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_assignment_changes_thread ON assignment_changes (conversation_id, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON assignment_changes TO cadence_app;

-- A user's text for a later time.
CREATE TABLE scheduled_texts (
    id bigserial CONSTRAINT pk_scheduled_texts PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_scheduled_texts_tenant_id REFERENCES tenants,
    conversation_id bigint NOT NULL,
    user_id bigint NOT NULL,
    body text NOT NULL,
    send_at timestamptz NOT NULL,
    state text NOT NULL,
    message_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_scheduled_texts_state CHECK (state IN ('waiting', 'held', 'missed', 'sent', 'cancelled')),
    CONSTRAINT fk_scheduled_texts_conversation_id FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES conversations (tenant_id, id),
    CONSTRAINT fk_scheduled_texts_message_id FOREIGN KEY (tenant_id, message_id)
        REFERENCES messages (tenant_id, id),
    CONSTRAINT fk_scheduled_texts_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_scheduled_texts_due ON scheduled_texts (tenant_id, state, send_at)
    WHERE state IN ('waiting', 'held');
CREATE INDEX ix_scheduled_texts_open ON scheduled_texts (conversation_id, send_at)
    WHERE state IN ('waiting', 'held', 'missed');
GRANT SELECT, INSERT, UPDATE ON scheduled_texts TO cadence_app;

-- A text kept for use again: a team's, or one user's own.
CREATE TABLE text_templates (
    id bigserial CONSTRAINT pk_text_templates PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_text_templates_tenant_id REFERENCES tenants,
    team_id bigint,
    user_id bigint,
    name text NOT NULL,
    body text NOT NULL,
    CONSTRAINT ck_text_templates_owner CHECK ((team_id IS NULL) <> (user_id IS NULL)),
    CONSTRAINT fk_text_templates_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    CONSTRAINT fk_text_templates_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX uq_text_templates_name ON text_templates (tenant_id, team_id, user_id,
        lower(name)) NULLS NOT DISTINCT;
GRANT SELECT, INSERT, UPDATE, DELETE ON text_templates TO cadence_app;
