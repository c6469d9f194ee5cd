"""An account may be with any carrier that the program has a driver for: which those are is no longer repeated
here."""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("carrier", "carrier_accounts", type_="check")


def downgrade() -> None:
    raise RuntimeError("an account with a carrier that an earlier version does not know is never dropped")
