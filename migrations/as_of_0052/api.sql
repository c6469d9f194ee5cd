-- What programs sign in with, and what their calls did.

-- What a program signs in with. A name is never given twice: the history names the token.
CREATE TABLE api_tokens (
    id bigserial CONSTRAINT pk_api_tokens PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_api_tokens_tenant_id REFERENCES tenants,
    name text NOT NULL,
    key text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_by_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by_id bigint,
    owner_id bigint NOT NULL,
    gone_at timestamptz,
    remind_at timestamptz,
    next_notice_at timestamptz,
    refused_at timestamptz,
    end_reason text NOT NULL DEFAULT '',
    refused_call text NOT NULL DEFAULT '',
    refused_from text NOT NULL DEFAULT '',
    CONSTRAINT uq_api_tokens_key UNIQUE (key),
    CONSTRAINT uq_api_tokens_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_api_tokens_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT api_tokens_owner_id_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_api_tokens_created_by_id FOREIGN KEY (tenant_id, created_by_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_api_tokens_revoked_by_id FOREIGN KEY (tenant_id, revoked_by_id)
        REFERENCES users (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE ON api_tokens TO cadence_app;

-- What a call with an Idempotency-Key did.
CREATE TABLE idempotency_keys (
    token_id bigint NOT NULL,
    key text NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_idempotency_keys_tenant_id REFERENCES tenants,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    status bigint,
    body text,
    location text,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (token_id, key),
    CONSTRAINT fk_idempotency_keys_token_id FOREIGN KEY (tenant_id, token_id)
        REFERENCES api_tokens (tenant_id, id)
);
CREATE INDEX ix_idempotency_keys_age ON idempotency_keys (tenant_id, created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO cadence_app;
