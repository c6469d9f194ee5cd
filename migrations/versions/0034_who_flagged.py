"""A possible opt out says what raised it: the words of a phrase, or a version of the classifier.

Flags from before stay without either; their words can be read again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("possible_opt_outs", sa.Column("phrases", sa.Text(), server_default="", nullable=False))
    op.add_column("possible_opt_outs", sa.Column("classifier", sa.BigInteger(), nullable=True))
