"""A possible opt out names all of its texts, so that nobody reads those to a colleague's personal inbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ids: sa.Column[list[int]] = sa.Column(
        "message_ids", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False
    )
    op.add_column("possible_opt_outs", ids)
    op.execute("UPDATE possible_opt_outs SET message_ids = ARRAY[message_id] WHERE message_id IS NOT NULL")
