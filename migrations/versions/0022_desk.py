"""What colleagues leave for each other in a conversation: notes that are never texted, and whose it is. The
queue of possible opt outs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "notes": "SELECT, INSERT, UPDATE, DELETE",
    "assignment_changes": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("mentions", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notes_thread", "notes", ["conversation_id", "id"])
    _assign()
    _follow_changes()
    op.add_column(
        "users", sa.Column("shortcuts", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    # The queue asks for those that wait, the one due first in front.
    op.create_index(
        "ix_possible_opt_outs_queue",
        "possible_opt_outs",
        ["tenant_id", "due_on", "id"],
        postgresql_where=sa.text("decision = 'open'"),
    )
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


# Whoever changes a conversation need not think of it.
CHANGED = """
CREATE FUNCTION note_conversation_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER changed BEFORE INSERT OR UPDATE ON conversations
    FOR EACH ROW EXECUTE FUNCTION note_conversation_change();
"""


def _follow_changes() -> None:
    """When each conversation last changed, for the lists of open pages."""
    op.add_column(
        "conversations",
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.alter_column("conversations", "changed_at", server_default=sa.text("clock_timestamp()"))
    op.create_index(
        "ix_conversations_changed",
        "conversations",
        ["inbox_id", sa.literal_column("changed_at DESC"), sa.literal_column("id DESC")],
    )
    op.execute(CHANGED)


def _assign() -> None:
    op.add_column("conversations", sa.Column("assignee_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(None, "conversations", "users", ["assignee_id"], ["id"])
    op.create_index(
        "ix_conversations_assignee",
        "conversations",
        ["assignee_id"],
        postgresql_where=sa.text("assignee_id IS NOT NULL"),
    )
    op.create_table(
        "assignment_changes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("before_id", sa.BigInteger(), nullable=True),
        sa.Column("after_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["before_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["after_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_assignment_changes_thread", "assignment_changes", ["conversation_id", "id"])


def downgrade() -> None:
    raise RuntimeError("what colleagues wrote to each other is never dropped by a migration")
