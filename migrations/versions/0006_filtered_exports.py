"""Exports that are filtered, have extra columns and a format; indexes for the report on screen.

The report's index carries what the report counts and filters by, so that a page of a million rows is found,
and its totals counted, without reading the rows themselves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exports", sa.Column("format", sa.Text(), server_default="csv", nullable=False))
    op.add_column(
        "exports",
        sa.Column("filters", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column(
        "exports",
        sa.Column("extra_columns", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    op.create_check_constraint("format", "exports", "format IN ('csv', 'xlsx')")
    op.drop_index("ix_opt_out_changes_report", table_name="opt_out_changes")
    op.create_index(
        "ix_opt_out_changes_report",
        "opt_out_changes",
        ["tenant_id", "changed_at", "id"],
        postgresql_include=["team_id", "user_id", "status", "source"],
        postgresql_where=sa.text("source IN ('cold_inbound', 'manual_add', 'keyword', 'toggle')"),
    )
    op.create_index(
        "ix_messages_sent",
        "messages",
        ["tenant_id", "created_at"],
        postgresql_include=["inbox_id"],
        postgresql_where=sa.text("direction = 'outbound' AND kind = 'person' AND state = 'delivered'"),
    )


def downgrade() -> None:
    raise RuntimeError("the ledger is never dropped by a migration")
