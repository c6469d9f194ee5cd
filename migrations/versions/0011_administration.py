"""What administration rests on: closed teams and inboxes, suspended tenants, and the operators' accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("tenants", "suspended_at"), ("teams", "closed_at"), ("inboxes", "closed_at")):
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    # Of no tenant: an operator runs the server, and sees nothing of a tenant but names and counts.
    op.create_table(
        "operators",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uq_operators_email", "operators", [sa.literal_column("lower(email)")], unique=True)
    op.execute("GRANT SELECT, INSERT, UPDATE ON operators TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def downgrade() -> None:
    raise RuntimeError("who was closed or suspended is never dropped by a migration")
