"""Undo of an opt out by hand needs to know that somebody else has opted the person out too, and that of an
opt in which bars its reason had lifted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consents", sa.Column("out_again", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("consents", sa.Column("lifted", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("consents", "lifted")
    op.drop_column("consents", "out_again")
