"""The keyword policy (notices of its day, the question which teams were meant), and whom an import named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "team_only_questions": "SELECT, INSERT, UPDATE, DELETE",
    "team_only_statuses": "SELECT, INSERT, DELETE",
    "import_contacts": "SELECT, INSERT, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"


def upgrade() -> None:
    op.add_column("tenants", sa.Column("keyword_policy_told", sa.BigInteger(), nullable=True))
    # Days that are over by now are news to nobody.
    op.execute("UPDATE tenants SET keyword_policy_told = 0 WHERE keyword_policy_from <= current_date")
    op.add_column(
        "tenants", sa.Column("ask_team_only", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "team_only_questions",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("reply_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bar_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bar_reason", sa.Text(), nullable=False),
        sa.Column("flag_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.ForeignKeyConstraint(["reply_id"], ["messages.id"]),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    op.create_table(
        "team_only_statuses",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("team_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('opted_in', 'opted_out')", name="status"),
        sa.ForeignKeyConstraint(["contact_id"], ["team_only_questions.contact_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("contact_id", "team_id"),
    )
    op.create_table(
        "import_contacts",
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.PrimaryKeyConstraint("import_id", "contact_id"),
    )
    op.create_index("ix_import_contacts_contact_id", "import_contacts", ["contact_id"])
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")


def downgrade() -> None:
    op.drop_table("import_contacts")
    op.drop_table("team_only_statuses")
    op.drop_table("team_only_questions")
    op.drop_column("tenants", "ask_team_only")
    op.drop_column("tenants", "keyword_policy_told")
