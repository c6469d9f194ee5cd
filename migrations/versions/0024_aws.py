"""Accounts with AWS End User Messaging, and the numbers whose opt outs a carrier leaves to us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("carrier", "carrier_accounts", type_="check")
    op.create_check_constraint(
        "carrier", "carrier_accounts", "carrier IN ('twilio', 'telnyx', 'bandwidth', 'aws')"
    )
    op.add_column(
        "carrier_accounts",
        sa.Column("self_managed", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("an account with a carrier is never dropped by a migration")
