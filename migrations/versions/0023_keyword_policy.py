"""Which notice of the day on which opt-out words begin to count everywhere the admins had last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenants", sa.Column("keyword_policy_told", sa.BigInteger(), nullable=True))
    # Days that are over by now are news to nobody.
    op.execute("UPDATE tenants SET keyword_policy_told = 0 WHERE keyword_policy_from <= current_date")


def downgrade() -> None:
    op.drop_column("tenants", "keyword_policy_told")
