"""Notification e-mails: a rule for each team and kind of event, and who it reaches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "notification_rules": "SELECT, INSERT, UPDATE",
    "notification_recipients": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "notification_rules",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("pace", sa.Text(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("digest_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("event IN ('status_change', 'unknown_contact', 'contact_added')", name="event"),
        sa.CheckConstraint("pace IN ('immediate', 'daily')", name="pace"),
        sa.CheckConstraint("(pace = 'daily') = (digest_at IS NOT NULL)", name="digest"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "team_id", "event"),
    )
    op.create_table(
        "notification_recipients",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["rule_id"], ["notification_rules.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_notification_recipients_email",
        "notification_recipients",
        ["rule_id", sa.literal_column("lower(email)")],
        unique=True,
    )
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def downgrade() -> None:
    raise RuntimeError("what people unsubscribed from is never dropped by a migration")
