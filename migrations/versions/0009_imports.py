"""Imports of contacts from a file: the requests, their rows while they wait, and remembered columns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "imports": "SELECT, INSERT, UPDATE",
    "import_rows": "SELECT, INSERT, UPDATE, DELETE",
    "import_outcomes": "SELECT, INSERT, UPDATE, DELETE",
    "import_mappings": "SELECT, INSERT, UPDATE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

_COUNTS = (
    *("rows_total", "rows_done", "rows_new", "rows_updated", "rows_unchanged", "rows_refused"),
    *("statuses_changed", "opt_ins_held"),
)


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("default_teams", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stop_reason", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.Column("applied_to", sa.BigInteger(), nullable=True),
        sa.Column("result_key", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'checking', 'ready', 'importing', 'done', 'cancelled', 'failed')",
            name="state",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_imports_latest", "imports", ["tenant_id", sa.literal_column("id DESC")])
    op.create_index(
        "ix_imports_working",
        "imports",
        ["tenant_id", "touched_at"],
        postgresql_where=sa.text("state IN ('checking', 'importing')"),
    )
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("team_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("custom", postgresql.JSONB(), nullable=False),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("import_id", "line"),
    )
    op.create_index(
        "ix_import_rows_external_id",
        "import_rows",
        ["import_id", "external_id"],
        postgresql_where=sa.text("external_id <> ''"),
    )
    op.create_table(
        "import_outcomes",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("waits_for_id", sa.BigInteger(), nullable=True),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("result IN ('new', 'updated', 'unchanged', 'refused', 'waiting')", name="result"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("import_id", "line"),
    )
    op.create_index(
        "ix_import_outcomes_noted",
        "import_outcomes",
        ["import_id", "line"],
        postgresql_where=sa.text("note <> ''"),
    )
    op.create_table(
        "import_mappings",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "header"),
    )
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def downgrade() -> None:
    raise RuntimeError("the log of imports is never dropped by a migration")
