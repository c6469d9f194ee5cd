"""Which rows of a file are of a number that was stopped before it was theirs, and who of them agreed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("agreed_reason", sa.Text(), server_default="", nullable=False))
    for table, name in (("import_rows", "agreed"), ("import_outcomes", "number_stopped")):
        op.add_column(table, sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
    # A file that was checked before is checked again, so that these people are seen.
    op.execute(
        "UPDATE imports SET state = 'draft', problem ="
        " 'Stops stay with their numbers since the update. Check the file again.' WHERE state = 'ready'"
    )
