"""Accounts with carriers, which inbox uses which, and the texts that came and are not read yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "carrier_accounts": "SELECT, INSERT, UPDATE",
    "carrier_events": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# A webhook knows no tenant before it is looked up. It runs as the owner and returns ids only.
LOOKUP = """
CREATE FUNCTION find_carrier_account(account_key text) RETURNS TABLE (tenant_id bigint, account_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    $$ SELECT a.tenant_id, a.id FROM carrier_accounts a WHERE a.key = account_key $$;
REVOKE ALL ON FUNCTION find_carrier_account FROM public;
GRANT EXECUTE ON FUNCTION find_carrier_account TO cadence_app;
"""


def upgrade() -> None:
    op.create_table(
        "carrier_accounts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("keyword_answers", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("carrier IN ('twilio', 'telnyx', 'bandwidth')", name="carrier"),
        sa.CheckConstraint("keyword_answers IN ('ours', 'built_in', 'told')", name="keyword_answers"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    op.create_table(
        "carrier_events",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column(
            "arrived_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True
        ),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["carrier_accounts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "event_key"),
    )
    op.create_index(
        "ix_carrier_events_waiting",
        "carrier_events",
        ["tenant_id", "next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.add_column("inboxes", sa.Column("carrier_account_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(None, "inboxes", "carrier_accounts", ["carrier_account_id"], ["id"])
    _follow_texts()
    op.execute(LOOKUP)
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def _follow_texts() -> None:
    """What a text needs to be followed from us to the carrier and on to the phone."""
    op.add_column("messages", sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("messages", sa.Column("sending_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("failure_code", sa.Text(), server_default="", nullable=False))
    op.drop_constraint("state", "messages", type_="check")
    op.create_check_constraint(
        "state",
        "messages",
        "state IN ('received', 'queued', 'sending', 'sent', 'delivered', 'failed', 'suppressed', 'dropped')",
    )
    op.drop_constraint("state", "campaign_recipients", type_="check")
    op.create_check_constraint(
        "state",
        "campaign_recipients",
        "state IN ('left_out', 'waiting', 'sending', 'sent', 'delivered', 'failed', 'suppressed', "
        "'cancelled')",
    )
    op.create_index(
        "ix_messages_sending",
        "messages",
        ["tenant_id", "id"],
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.drop_index("ix_messages_sent", table_name="messages")
    op.create_index(
        "ix_messages_sent",
        "messages",
        ["tenant_id", "created_at"],
        postgresql_include=["inbox_id"],
        postgresql_where=sa.text(
            "direction = 'outbound' AND kind = 'person' AND state IN ('sent', 'delivered')"
        ),
    )


def downgrade() -> None:
    raise RuntimeError("texts that came from carriers are never dropped by a migration")
