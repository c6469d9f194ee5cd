"""Undo after Send: a text that somebody pressed Send for waits a few seconds, in which they may take it back.

What is taken back never was a text, so its row goes; the application can delete no other one. Undo of an opt
in needs to know of the stop that the opt in answered.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.due import make_due_rows
from migrations.tenants import CURRENT_TENANT

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

# Only what no worker has taken up, and only for who pressed Send for it.
TAKE_BACK = f"""
CREATE FUNCTION take_back_text(text_id bigint, writer bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM messages
        WHERE tenant_id = {CURRENT_TENANT} AND id = text_id AND user_id = writer AND state = 'queued'
          AND held_until IS NOT NULL AND attempts = 0 AND campaign_id IS NULL;
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION take_back_text FROM public;
GRANT EXECUTE ON FUNCTION take_back_text TO cadence_app;
"""  # noqa: S608 - no value of anybody's


def upgrade() -> None:
    op.add_column("users", sa.Column("undo_seconds", sa.BigInteger(), server_default="5", nullable=False))
    op.create_check_constraint("undo_seconds", "users", "undo_seconds IN (0, 5, 10)")
    op.add_column("messages", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_messages_going",
        "messages",
        ["conversation_id", "id"],
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.add_column("consents", sa.Column("stopped_before", sa.DateTime(timezone=True), nullable=True))
    op.execute(TAKE_BACK)
    # What is older has lost its job, and is the sweep's.
    make_due_rows(
        "due_held_texts",
        "messages",
        {"messages": "held_until"},
        waiting="w.state = 'queued' AND w.campaign_id IS NULL",
        due_at="coalesce(w.next_attempt_at, w.created_at)",
        due="coalesce(w.next_attempt_at, w.created_at) BETWEEN now() - interval '5 seconds' AND now() - late"
        " AND w.held_until IS NOT NULL",
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION due_held_texts, take_back_text")
    op.drop_column("consents", "stopped_before")
    op.drop_index("ix_messages_going", "messages")
    op.drop_column("messages", "held_until")
    op.drop_column("users", "undo_seconds")
