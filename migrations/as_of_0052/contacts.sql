-- People, their numbers over time, tags and fields.

-- A person. They are in a team once they have a consent there.
CREATE TABLE contacts (
    id bigserial CONSTRAINT pk_contacts PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_contacts_tenant_id REFERENCES tenants,
    first_name text NOT NULL,
    last_name text NOT NULL,
    external_id text NOT NULL,
    number text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    custom jsonb NOT NULL DEFAULT '{}',
    merged_into_id bigint,
    gone_at timestamptz,
    gone_by_id bigint,
    CONSTRAINT uq_contacts_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT uq_contacts_tenant_id_number UNIQUE (tenant_id, number),
    CONSTRAINT fk_contacts_gone_by_id FOREIGN KEY (tenant_id, gone_by_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_contacts_merged_into_id FOREIGN KEY (tenant_id, merged_into_id)
        REFERENCES contacts (tenant_id, id)
);
CREATE INDEX ix_contacts_merged ON contacts (merged_into_id) WHERE merged_into_id IS NOT NULL;
CREATE INDEX ix_contacts_name ON contacts (tenant_id, lower(last_name), lower(first_name), id);
CREATE INDEX ix_contacts_order ON contacts (tenant_id, id);
CREATE UNIQUE INDEX uq_contacts_external_id ON contacts (tenant_id, external_id) WHERE external_id <> '';
GRANT SELECT, INSERT, UPDATE ON contacts TO cadence_app;

-- A number that a contact has, or had. Triggers keep a row for every value of contacts.number.
CREATE TABLE contact_numbers (
    id bigserial CONSTRAINT pk_contact_numbers PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_contact_numbers_tenant_id REFERENCES tenants,
    contact_id bigint NOT NULL,
    number text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    user_id bigint,
    ended_by_id bigint,
    reason text NOT NULL,
    CONSTRAINT fk_contact_numbers_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_contact_numbers_ended_by_id FOREIGN KEY (tenant_id, ended_by_id)
        REFERENCES users (tenant_id, id),
    CONSTRAINT fk_contact_numbers_user_id FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_contact_numbers_contact ON contact_numbers (contact_id, id);
CREATE INDEX ix_contact_numbers_number ON contact_numbers (tenant_id, number);
CREATE UNIQUE INDEX uq_contact_numbers_current ON contact_numbers (tenant_id, number) WHERE until IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_numbers TO cadence_app;

-- A number that was stored before numbers were read strictly, and is none. Nothing is sent to it meanwhile.
CREATE TABLE numbers_to_mend (
    contact_id bigint NOT NULL,
    number text NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_numbers_to_mend_tenant_id REFERENCES tenants,
    found_at timestamptz NOT NULL DEFAULT now(),
    left_at timestamptz,
    left_by_id bigint,
    CONSTRAINT pk_numbers_to_mend PRIMARY KEY (contact_id, number),
    CONSTRAINT fk_numbers_to_mend_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_numbers_to_mend_left_by_id FOREIGN KEY (tenant_id, left_by_id)
        REFERENCES users (tenant_id, id)
);
CREATE INDEX ix_numbers_to_mend_tenant ON numbers_to_mend (tenant_id, contact_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON numbers_to_mend TO cadence_app;

-- A word that groups contacts across teams.
CREATE TABLE tags (
    id bigserial CONSTRAINT pk_tags PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_tags_tenant_id REFERENCES tenants,
    name text NOT NULL,
    CONSTRAINT uq_tags_tenant_id_id UNIQUE (tenant_id, id)
);
CREATE UNIQUE INDEX uq_tags_name ON tags (tenant_id, lower(name));
GRANT SELECT, INSERT, UPDATE, DELETE ON tags TO cadence_app;

-- That a contact carries a tag.
CREATE TABLE contact_tags (
    contact_id bigint NOT NULL,
    tag_id bigint NOT NULL,
    tenant_id bigint NOT NULL CONSTRAINT fk_contact_tags_tenant_id REFERENCES tenants,
    CONSTRAINT pk_contact_tags PRIMARY KEY (contact_id, tag_id),
    CONSTRAINT fk_contact_tags_contact_id FOREIGN KEY (tenant_id, contact_id)
        REFERENCES contacts (tenant_id, id),
    CONSTRAINT fk_contact_tags_tag_id FOREIGN KEY (tenant_id, tag_id) REFERENCES tags (tenant_id, id)
);
CREATE INDEX ix_contact_tags_tag_id ON contact_tags (tag_id);
GRANT SELECT, INSERT, DELETE ON contact_tags TO cadence_app;

-- A field that a tenant adds to its contacts.
CREATE TABLE custom_fields (
    id bigserial CONSTRAINT pk_custom_fields PRIMARY KEY,
    tenant_id bigint NOT NULL CONSTRAINT fk_custom_fields_tenant_id REFERENCES tenants,
    name text NOT NULL,
    kind text NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT ck_custom_fields_kind CHECK (kind IN ('text', 'number', 'date'))
);
CREATE UNIQUE INDEX uq_custom_fields_name ON custom_fields (tenant_id, lower(name));
GRANT SELECT, INSERT, UPDATE, DELETE ON custom_fields TO cadence_app;
