"""A keyword of an organisation's own may have an answer of its own, such as in the word's language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("custom_keywords", sa.Column("answer", sa.Text(), server_default="", nullable=False))
