"""Retention: how long a tenant keeps its contacts, dry runs and removals, legal holds; an index for search.

Not in the models: the functions by which alone contacts are removed, and the index that finds a part of a
name in the history. The application's role deletes no contact and no text itself, and the database takes
nobody who has texted or was changed within a year, whatever it is told.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "legal_holds": "SELECT, INSERT, UPDATE, DELETE",
    "retention_runs": "SELECT, INSERT, UPDATE",
    "retention_items": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# Who may go: nothing was texted, changed or added since, no legal hold, no possible opt out left to decide.
# Whoever was merged into another contact goes with that one.
REMOVABLE = """
CREATE FUNCTION removable_contacts(tenant bigint, ids bigint[], before timestamptz)
    RETURNS TABLE (contact_id bigint, last_at timestamptz)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT c.id, greatest(c.created_at, texts.last_at, changes.last_at)
    FROM contacts c
    CROSS JOIN LATERAL (
        SELECT max(last_message_at) AS last_at FROM conversations WHERE contact_id = c.id) AS texts
    CROSS JOIN LATERAL (
        SELECT max(changed_at) AS last_at FROM opt_out_changes WHERE contact_id = c.id) AS changes
    WHERE c.tenant_id = tenant AND c.id = ANY (ids) AND c.merged_into_id IS NULL
      AND greatest(c.created_at, texts.last_at, changes.last_at) < least(before, now() - interval '1 year')
      AND NOT EXISTS (
        SELECT FROM legal_holds h JOIN contacts held ON held.id = h.contact_id
        WHERE c.id IN (held.id, held.merged_into_id))
      AND NOT EXISTS (SELECT FROM possible_opt_outs p WHERE p.contact_id = c.id AND p.decision = 'open')
$$;
"""

# What points to a row that goes: a column that may be empty is emptied, a row that can't be without it goes
# too. Read from the catalogue, so that a table made later needs no line here.
REMOVE = """
CREATE FUNCTION remove_dependants(parent regclass, ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    link record;
    below bigint[];
BEGIN
    FOR link IN
        SELECT c.conrelid::regclass AS child, a.attname AS name, a.attnotnull AS needed,
            EXISTS (SELECT FROM pg_attribute i
                    WHERE i.attrelid = c.conrelid AND i.attname = 'id' AND NOT i.attisdropped) AS has_id
        FROM pg_constraint c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS keys(own, theirs)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = keys.own
        JOIN pg_attribute p ON p.attrelid = c.confrelid AND p.attnum = keys.theirs AND p.attname = 'id'
        WHERE c.contype = 'f' AND c.confrelid = parent AND c.conrelid <> 'opt_out_changes'::regclass
        ORDER BY 1, 2
    LOOP
        IF NOT link.needed THEN
            EXECUTE format('UPDATE %s SET %I = NULL WHERE %I = ANY ($1)', link.child, link.name, link.name)
                USING ids;
        ELSE
            IF link.has_id THEN
                EXECUTE format('SELECT array_agg(id) FROM %s WHERE %I = ANY ($1)', link.child, link.name)
                    INTO below USING ids;
                IF below IS NOT NULL THEN
                    PERFORM remove_dependants(link.child, below);
                END IF;
            END IF;
            EXECUTE format('DELETE FROM %s WHERE %I = ANY ($1)', link.child, link.name) USING ids;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION remove_contacts(ids bigint[], before timestamptz, by_user bigint, by_name text, why text)
    RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    named bigint[];
    gone bigint[];
    changes bigint[];
BEGIN
    -- In the order of their ids, as every writer of consent takes them; who waits for one sees it is gone.
    PERFORM FROM contacts WHERE tenant_id = tenant AND id = ANY (ids) ORDER BY id FOR UPDATE;
    named := ARRAY(SELECT contact_id FROM removable_contacts(tenant, ids, before) ORDER BY 1);
    gone := named || ARRAY(SELECT id FROM contacts WHERE merged_into_id = ANY (named) ORDER BY id);
    DELETE FROM consents WHERE contact_id = ANY (gone);
    changes := ARRAY(SELECT id FROM opt_out_changes WHERE contact_id = ANY (gone) ORDER BY id);
    PERFORM remove_dependants('opt_out_changes', changes);
    PERFORM purge_changes(changes, by_user, by_name, why);
    PERFORM remove_dependants('contacts', gone);
    DELETE FROM contacts WHERE id = ANY (gone);
    RETURN QUERY SELECT unnest(named);
END $$;
REVOKE ALL ON FUNCTION remove_dependants, remove_contacts FROM public;
GRANT EXECUTE ON FUNCTION remove_contacts TO cadence_app;
"""

# A part of three letters or more is found by the threes in it: every row that has them all, of which the
# query then keeps those that have them in a row. It runs as the owner and returns ids of the tenant only, for
# under row-level security PostgreSQL asks no index by an operator that might tell what others' rows hold.
# (pg_trgm does the like, but is not in every PostgreSQL: the embedded one comes without it.)
SEARCH = """
CREATE FUNCTION threes(whole text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT ARRAY(SELECT DISTINCT substr(whole, n, 3) FROM generate_series(1, length(whole) - 2) AS n) $$;
CREATE INDEX ix_opt_out_changes_threes ON opt_out_changes USING gin
    (threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number)));

CREATE FUNCTION changes_with(part text, digits text) RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT id FROM opt_out_changes
    WHERE tenant_id = nullif(current_setting('cadence.tenant_id', true), '')::bigint
      AND (threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number))
             @> threes(lower(part))
           OR length(digits) > 2
             AND threes(lower(first_name || ' ' || last_name || ' ' || external_id || ' ' || number))
               @> threes(digits))
$$;
REVOKE ALL ON FUNCTION changes_with FROM public;
GRANT EXECUTE ON FUNCTION changes_with TO cadence_app;
"""


def upgrade() -> None:
    op.add_column("tenants", sa.Column("retention_years", sa.BigInteger(), server_default="5", nullable=True))
    op.add_column(
        "tenants", sa.Column("retention_monthly", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_check_constraint("retention_years", "tenants", "retention_years BETWEEN 1 AND 25")
    op.create_table(
        "legal_holds",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by_id", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["set_by_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    op.create_index("ix_legal_holds_tenant", "legal_holds", ["tenant_id", "set_at"])
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("years", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("touched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("counted_up_to", sa.BigInteger(), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remove_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by_id", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('counting', 'ready', 'waiting', 'removing', 'done', 'stopped', 'failed')", name="state"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["requested_by_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["approved_by_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_retention_runs_latest", "retention_runs", ["tenant_id", sa.literal_column("id DESC")])
    op.create_index(
        "uq_retention_runs_open",
        "retention_runs",
        ["tenant_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('counting', 'ready', 'waiting', 'removing')"),
    )
    op.create_table(
        "retention_items",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversations", sa.BigInteger(), nullable=False),
        sa.Column("texts", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.CheckConstraint("fate IN ('listed', 'removed', 'kept')", name="fate"),
        # No foreign key on the contact: what became of them outlasts them.
        sa.ForeignKeyConstraint(["run_id"], ["retention_runs.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("run_id", "contact_id"),
    )
    op.create_index(
        "ix_retention_items_left",
        "retention_items",
        ["run_id", "contact_id"],
        postgresql_where=sa.text("fate = 'listed'"),
    )
    op.create_index("ix_contacts_order", "contacts", ["tenant_id", "id"])
    # What points to a row that goes is looked for by these.
    op.create_index(
        "ix_opt_out_changes_message",
        "opt_out_changes",
        ["message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_index("ix_possible_opt_outs_contact", "possible_opt_outs", ["contact_id"])
    op.create_index("ix_possible_opt_outs_message", "possible_opt_outs", ["message_id"])
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")
    op.execute(REMOVABLE)
    op.execute(REMOVE)
    op.execute(SEARCH)


def downgrade() -> None:
    raise RuntimeError("the record of what was removed is never dropped by a migration")
