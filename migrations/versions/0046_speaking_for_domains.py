"""An admin may confirm that the single sign-on provider speaks for a mail domain: who did, and when.

Domains from before are not confirmed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.tenants import carry_tenant

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

TABLE = "single_sign_on_domains"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(TABLE, sa.Column("confirmed_by_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(f"fk_{TABLE}_confirmed_by_id_users", TABLE, "users", ["confirmed_by_id"], ["id"])
    op.execute(f"GRANT UPDATE (confirmed_at, confirmed_by_id) ON {TABLE} TO cadence_app")
    carry_tenant()
