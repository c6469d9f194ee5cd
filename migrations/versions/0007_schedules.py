"""Exports on a schedule, and who each export goes to.

Each recipient of an export has a row, so that a mail that reached one of them is not sent again while it is
tried for another. Exports made before have one recipient, who asked for them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "export_schedules": "SELECT, INSERT, UPDATE",
    "export_schedule_recipients": "SELECT, INSERT, DELETE",
    "export_recipients": "SELECT, INSERT, UPDATE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "export_schedules",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("extra_columns", postgresql.JSONB(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False),
        sa.Column("month_day", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("format IN ('csv', 'xlsx')", name="format"),
        sa.CheckConstraint("period IN ('day', 'week', 'month', 'changed', 'now')", name="period"),
        sa.CheckConstraint("every IN ('day', 'week', 'month')", name="every"),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        sa.CheckConstraint("month_day BETWEEN 1 AND 31", name="month_day"),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_export_schedules_due", "export_schedules", ["tenant_id", "next_run_at"])
    op.create_table(
        "export_schedule_recipients",
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["export_schedules.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("schedule_id", "user_id"),
    )
    op.create_table(
        "export_recipients",
        sa.Column("export_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("export_id", "user_id"),
    )
    op.execute(
        "INSERT INTO export_recipients (export_id, user_id, tenant_id, sent_at, problem) "
        "SELECT id, requested_by_id, tenant_id, sent_at, '' FROM exports"
    )
    op.add_column("exports", sa.Column("schedule_id", sa.BigInteger(), nullable=True))
    op.add_column("exports", sa.Column("scheduled_for", sa.DateTime(timezone=True), nullable=True))
    op.add_column("exports", sa.Column("after_change_id", sa.BigInteger(), nullable=True))
    op.add_column("exports", sa.Column("up_to_change_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(None, "exports", "export_schedules", ["schedule_id"], ["id"])
    op.create_check_constraint("changes", "exports", "up_to_change_id >= after_change_id")
    op.create_index(
        "uq_exports_run",
        "exports",
        ["schedule_id", "scheduled_for"],
        unique=True,
        postgresql_where=sa.text("scheduled_for IS NOT NULL"),
    )
    op.create_index("ix_exports_schedule", "exports", ["schedule_id", "id"])
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def downgrade() -> None:
    raise RuntimeError("the ledger is never dropped by a migration")
