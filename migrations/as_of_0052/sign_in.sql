-- Signing in: sessions, second factors, single sign-on, and tries that failed.

-- One sign-in on one device. The cookie holds a random key, of which only a hash is here.
CREATE TABLE sign_in_sessions (
    id bigserial CONSTRAINT pk_sign_in_sessions PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_sign_in_sessions_tenant_id REFERENCES tenants,
    user_id bigint NOT NULL,
    key_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    ip text NOT NULL,
    device text NOT NULL,
    method text NOT NULL,
    ended_at timestamptz,
    CONSTRAINT uq_sign_in_sessions_key_hash UNIQUE (key_hash),
    CONSTRAINT ck_sign_in_sessions_method
        CHECK (method IN ('password', 'second_factor', 'link', 'single_sign_on')),
    CONSTRAINT fk_sign_in_sessions_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_sign_in_sessions_age ON sign_in_sessions (tenant_id, last_seen_at);
CREATE INDEX ix_sign_in_sessions_user_id ON sign_in_sessions (user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_sessions TO cadence_app;

-- A code that stands in for the authenticator app, once.
CREATE TABLE recovery_codes (
    id bigserial CONSTRAINT pk_recovery_codes PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_recovery_codes_tenant_id REFERENCES tenants,
    user_id bigint NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    CONSTRAINT uq_recovery_codes_user_id_code_hash UNIQUE (user_id, code_hash),
    CONSTRAINT fk_recovery_codes_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_codes TO cadence_app;

-- A try at a password or a code that was wrong. It is no tenant's: who fails to sign in has shown none.
CREATE TABLE failed_tries (
    id bigserial CONSTRAINT pk_failed_tries PRIMARY KEY,
    key bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_failed_tries_at ON failed_tries (at);
CREATE INDEX ix_failed_tries_key ON failed_tries (key, at);
GRANT SELECT, INSERT, DELETE ON failed_tries TO cadence_app;

-- A tenant's OpenID Connect provider.
CREATE TABLE single_sign_ons (
    tenant_id bigint CONSTRAINT pk_single_sign_ons PRIMARY KEY CONSTRAINT fk_single_sign_ons_tenant_id
        REFERENCES tenants,
    issuer text NOT NULL,
    client_id text NOT NULL,
    client_secret text NOT NULL,
    passwords_allowed boolean NOT NULL,
    creates_users boolean NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON single_sign_ons TO cadence_app;

-- A mail domain whose addresses sign in at a tenant's provider; it is one tenant's only. An admin may
-- confirm that the provider speaks for it.
CREATE TABLE single_sign_on_domains (
    domain text CONSTRAINT pk_single_sign_on_domains PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_single_sign_on_domains_tenant_id REFERENCES tenants,
    confirmed_at timestamptz,
    confirmed_by_id bigint,
    CONSTRAINT fk_single_sign_on_domains_confirmed_by_id_users FOREIGN KEY (tenant_id, confirmed_by_id)
        REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_single_sign_on_domains_tenant_id ON single_sign_on_domains (tenant_id);
GRANT SELECT, INSERT, DELETE ON single_sign_on_domains TO cadence_app;
GRANT UPDATE (confirmed_at, confirmed_by_id) ON single_sign_on_domains TO cadence_app;
