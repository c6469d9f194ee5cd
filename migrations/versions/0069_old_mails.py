"""Mails that have gone or were given up go too, in time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.due import make_due_rows

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_outgoing_mails_ended",
        "outgoing_mails",
        ["tenant_id", "created_at"],
        postgresql_where=sa.text("next_attempt_at IS NULL"),
    )
    op.execute("GRANT DELETE ON outgoing_mails TO cadence_app")
    make_due_rows(
        *(
            "due_old_mails",
            "outgoing_mails",
            {"outgoing_mails": "tenant_id, id, created_at, next_attempt_at"},
        ),
        waiting="w.next_attempt_at IS NULL",
        due_at="w.created_at",
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION due_old_mails")
    op.execute("REVOKE DELETE ON outgoing_mails FROM cadence_app")
    op.drop_index("ix_outgoing_mails_ended")
