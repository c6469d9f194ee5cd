"""Drafts: what a user has typed and not sent, for their eyes alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.due import make_due_rows
from migrations.tenants import protect

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("typed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("other_words", sa.Text(), server_default="", nullable=False),
        sa.Column("other_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("about", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("turns", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("what IN ('text', 'note', 'reason')", name="what"),
        sa.CheckConstraint(
            "(what = 'reason') = (team_id IS NOT NULL) AND (what = 'reason') = (inbox_id IS NULL)",
            name="place",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.ForeignKeyConstraint(["inbox_id"], ["inboxes.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_drafts_place",
        "drafts",
        ["user_id", "contact_id", "what", "inbox_id", "team_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_drafts_contact_id", "drafts", ["contact_id"])
    op.create_index("ix_drafts_due", "drafts", ["tenant_id", "ends_at"])
    protect("drafts", "SELECT, INSERT, UPDATE, DELETE")
    op.execute("GRANT USAGE ON SEQUENCE drafts_id_seq TO cadence_app")
    make_due_rows(
        "due_drafts",
        "drafts",
        {"drafts": "id, tenant_id, ends_at"},
        waiting="true",
        due_at="w.ends_at",
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION due_drafts(interval, integer, integer)")
    op.drop_table("drafts")
