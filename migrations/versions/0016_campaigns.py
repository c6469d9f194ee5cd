"""Campaigns, texts for a later time, saved templates, and what a text needs to go out exactly once.

`messages.send_key` is committed before the carrier is called; after a crash it is what the carrier is asked
by. `by_hand` is false for a text that nobody pressed Send for just then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "campaigns": "SELECT, INSERT, UPDATE, DELETE",
    "campaign_recipients": "SELECT, INSERT, UPDATE, DELETE",
    "scheduled_texts": "SELECT, INSERT, UPDATE",
    "text_templates": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

MESSAGE_STATES = "'received', 'queued', 'sending', 'delivered', 'failed', 'suppressed', 'dropped'"


def upgrade() -> None:
    op.add_column("tenants", sa.Column("texts_from", sa.BigInteger(), server_default="8", nullable=False))
    op.add_column("tenants", sa.Column("texts_until", sa.BigInteger(), server_default="21", nullable=False))
    op.create_check_constraint(
        "texting_hours", "tenants", "0 <= texts_from AND texts_from < texts_until AND texts_until <= 24"
    )
    op.add_column(
        "inboxes", sa.Column("texts_per_second", sa.BigInteger(), server_default="5", nullable=False)
    )
    op.add_column("inboxes", sa.Column("next_text_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint("texts_per_second", "inboxes", "texts_per_second > 0")
    _campaigns()
    _single_texts()
    op.add_column("messages", sa.Column("campaign_id", sa.BigInteger(), nullable=True))
    op.add_column("messages", sa.Column("by_hand", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("messages", sa.Column("send_key", sa.Text(), nullable=True))
    op.create_foreign_key(None, "messages", "campaigns", ["campaign_id"], ["id"])
    op.create_index(
        "ix_messages_campaign_id",
        "messages",
        ["campaign_id"],
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "uq_messages_send_key",
        "messages",
        ["send_key"],
        unique=True,
        postgresql_where=sa.text("send_key IS NOT NULL"),
    )
    op.drop_constraint("state", "messages", type_="check")
    op.create_check_constraint("state", "messages", f"state IN ({MESSAGE_STATES})")
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("segment", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'scheduled', 'missed', 'sending', 'paused', 'cancelled', 'finished')",
            name="state",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.ForeignKeyConstraint(["inbox_id"], ["inboxes.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_campaigns_latest", "campaigns", ["tenant_id", sa.literal_column("id DESC")])
    op.create_index(
        "ix_campaigns_due",
        "campaigns",
        ["tenant_id", "wake_at"],
        postgresql_where=sa.text("wake_at IS NOT NULL"),
    )
    op.create_table(
        "campaign_recipients",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('left_out', 'waiting', 'sending', 'delivered', 'failed', 'suppressed', 'cancelled')",
            name="state",
        ),
        sa.CheckConstraint("(state = 'left_out') = (reason <> '')", name="reason"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"]),
        # None to tenants, which the campaign has: a check for each row would be a third of a preview's time.
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_campaign_recipients_state", "campaign_recipients", ["campaign_id", "state", "reason", "id"]
    )
    op.create_index(
        "ix_campaign_recipients_waiting",
        "campaign_recipients",
        ["campaign_id", "zones", "id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_campaign_recipients_contact",
        "campaign_recipients",
        ["campaign_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'left_out'"),
    )
    op.create_index(
        "uq_campaign_recipients_message",
        "campaign_recipients",
        ["message_id"],
        unique=True,
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )


def _single_texts() -> None:
    op.create_table(
        "scheduled_texts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'held', 'missed', 'sent', 'cancelled')", name="state"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_scheduled_texts_open",
        "scheduled_texts",
        ["conversation_id", "send_at"],
        postgresql_where=sa.text("state IN ('waiting', 'held', 'missed')"),
    )
    op.create_index(
        "ix_scheduled_texts_due",
        "scheduled_texts",
        ["tenant_id", "send_at"],
        postgresql_where=sa.text("state IN ('waiting', 'held')"),
    )
    op.create_table(
        "text_templates",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("(team_id IS NULL) <> (user_id IS NULL)", name="owner"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_text_templates_name",
        "text_templates",
        ["tenant_id", "team_id", "user_id", sa.literal_column("lower(name)")],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    raise RuntimeError("what was sent is never dropped by a migration")
