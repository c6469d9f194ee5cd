"""What a contact's record needs: numbers over time, merged and erased contacts, and the numbers that may
not be texted although nobody knows whose they were.

Not in the models: the triggers that keep a contact's numbers whoever writes contacts.number, and that bar a
number which an erased person had.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012b"
down_revision = "0012"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "contact_numbers": "SELECT, INSERT, UPDATE, DELETE",
    "erased_numbers": "SELECT, INSERT, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# A number that is replaced ends. One that was a further number of theirs already only becomes the one texted.
NUMBERS = """
CREATE FUNCTION keep_first_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)
        SELECT tenant_id, id, number, now(), '' FROM added WHERE number LIKE '+%';
    RETURN NULL;
END $$;
CREATE TRIGGER numbers_kept AFTER INSERT ON contacts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION keep_first_numbers();

CREATE FUNCTION keep_changed_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE contact_numbers n SET until = now() FROM was JOIN became USING (id)
        WHERE was.number <> became.number AND n.contact_id = was.id AND n.number = was.number
          AND n.until IS NULL AND NOT EXISTS (
            SELECT FROM contact_numbers further
            WHERE further.contact_id = became.id AND further.number = became.number
              AND further.until IS NULL);
    INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)
        SELECT became.tenant_id, became.id, became.number, now(), '' FROM was JOIN became USING (id)
        WHERE was.number <> became.number AND became.number LIKE '+%' AND NOT EXISTS (
            SELECT FROM contact_numbers further
            WHERE further.contact_id = became.id AND further.number = became.number
              AND further.until IS NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER numbers_kept_on_change AFTER UPDATE ON contacts
    REFERENCING OLD TABLE AS was NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION keep_changed_numbers();
"""

# The key is the application's and not in the database (tenancy.py), so that who has only the database can't
# find the numbers by trying them all.
ERASED = """
CREATE FUNCTION number_digest(tenant bigint, number text) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
    key bytea := decode(coalesce(current_setting('cadence.number_key', true), ''), 'hex');
BEGIN
    IF length(key) < 32 THEN
        RAISE EXCEPTION 'no key is set to tell an erased number' USING ERRCODE = 'config_file_error';
    END IF;
    RETURN sha256(key || sha256(key || convert_to(tenant || ' ' || number, 'UTF8')));
END $$;

CREATE FUNCTION bar_erased_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM erased_numbers e JOIN added USING (tenant_id)) THEN
        INSERT INTO blocks (tenant_id, contact_id, scope, number, reason)
            SELECT DISTINCT ON (added.contact_id)
                added.tenant_id, added.contact_id, 'organisation', '', e.reason
            FROM added JOIN erased_numbers e ON e.tenant_id = added.tenant_id
              AND e.digest = number_digest(added.tenant_id, added.number)
            ORDER BY added.contact_id
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER erased_barred AFTER INSERT ON contact_numbers REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION bar_erased_numbers();
"""


def upgrade() -> None:
    op.add_column("contacts", sa.Column("merged_into_id", sa.BigInteger(), nullable=True))
    op.add_column("contacts", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contacts", sa.Column("gone_by_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(None, "contacts", "contacts", ["merged_into_id"], ["id"])
    op.create_foreign_key(None, "contacts", "users", ["gone_by_id"], ["id"])
    op.create_index(
        "ix_contacts_merged",
        "contacts",
        ["merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_table(
        "contact_numbers",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_by_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["ended_by_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_contact_numbers_current",
        "contact_numbers",
        ["tenant_id", "number"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_index("ix_contact_numbers_contact", "contact_numbers", ["contact_id", "id"])
    op.create_index("ix_contact_numbers_number", "contact_numbers", ["tenant_id", "number"])
    op.execute(
        "INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)"
        " SELECT tenant_id, id, number, created_at, '' FROM contacts"
    )
    op.create_table(
        "erased_numbers",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "digest"),
    )
    # A carrier's block is of the number that texted the word; the others are of the person.
    op.add_column("blocks", sa.Column("number", sa.Text(), server_default="", nullable=False))
    op.add_column("blocks", sa.Column("reason", sa.Text(), server_default="", nullable=False))
    op.execute(
        "UPDATE blocks SET number = contacts.number FROM contacts"
        " WHERE contacts.id = contact_id AND scope = 'carrier_number'"
    )
    op.drop_constraint("uq_blocks_contact_id_scope_inbox_id", "blocks", type_="unique")
    op.create_unique_constraint(
        None, "blocks", ["contact_id", "scope", "inbox_id", "number"], postgresql_nulls_not_distinct=True
    )
    # The other number, where a text did not come from, or go to, the one that is texted.
    op.add_column("messages", sa.Column("other_number", sa.Text(), nullable=True))
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT DELETE ON consents, conversations, possible_opt_outs TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")
    op.execute(NUMBERS)
    op.execute(ERASED)


def downgrade() -> None:
    raise RuntimeError("the numbers of contacts are never dropped by a migration")
