"""What a file says of how its people agreed, and what an admin signs for all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_rows", sa.Column("given", postgresql.JSONB(), nullable=True))
    op.add_column("imports", sa.Column("statement", sa.Text(), server_default="", nullable=False))
    op.add_column("imports", sa.Column("statement_on", sa.Date(), nullable=True))
    for name in ("evidence", "evidence_idle"):
        op.add_column("imports", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    raise RuntimeError("what was signed for an import is never dropped by a migration")
