"""What a file says is kept by kind: refusals with what a person chose for them, opt outs of refused rows, and
the days of statuses; codes of teams that were chosen once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "import_codes": "SELECT, INSERT, UPDATE",
    "import_opt_outs": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

_COUNTS = ("rows_hidden", "rows_older", "refused_opt_outs", "opt_ins_outvoted", "opt_outs_older")


def upgrade() -> None:
    for name in _COUNTS:
        op.add_column("imports", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    for name, empty in (("refusals", "{}"), ("unknown_codes", "{}"), ("code_teams", "{}")):
        op.add_column(
            "imports",
            sa.Column(name, postgresql.JSONB(), server_default=sa.text(f"'{empty}'"), nullable=False),
        )
    op.add_column("import_rows", sa.Column("said_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("import_rows", sa.Column("older_than", sa.BigInteger(), nullable=True))
    op.add_column("import_rows", sa.Column("choice", sa.Text(), nullable=True))
    op.add_column("import_rows", sa.Column("heard", sa.Text(), nullable=True))
    op.create_check_constraint(
        "import_rows_choice", "import_rows", "choice IS NULL OR choice IN ('update', 'further')"
    )
    op.create_check_constraint(
        "import_rows_heard",
        "import_rows",
        "heard IS NULL OR heard IN ('counts', 'older', 'nobody', 'no_team')",
    )
    # Problems were [column, text]; now their kind stands between.
    op.execute(
        "UPDATE import_rows SET problems ="
        " (SELECT jsonb_agg(jsonb_build_array(each -> 0, 'other', each -> 1))"
        " FROM jsonb_array_elements(problems) AS each)"
        " WHERE problems <> '[]' AND jsonb_array_length(problems -> 0) = 2"
    )
    op.add_column("import_outcomes", sa.Column("kind", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "ix_import_rows_number",
        "import_rows",
        ["import_id", "number"],
        postgresql_where=sa.text("number <> ''"),
    )
    op.create_index(
        "ix_import_rows_opt_outs",
        "import_rows",
        ["import_id", "line"],
        postgresql_where=sa.text("status = 'opted_out'"),
    )
    op.create_table(
        "import_opt_outs",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("import_id", "contact_id", "team_id"),
    )
    op.create_table(
        "import_codes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "code"),
    )
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")


def downgrade() -> None:
    raise RuntimeError("what a file said and a person chose is never dropped by a migration")
