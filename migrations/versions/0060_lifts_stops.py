"""An import says by a column of its own that it lifts stops: the reason is for people to read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.tenants import for_all_tenants

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "imports", sa.Column("lifts_stops", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    for_all_tenants(
        "UPDATE imports SET lifts_stops = true WHERE stop_reason <> ''",
        "SELECT count(*) FROM imports WHERE stop_reason <> ''",
    )
    op.create_check_constraint(
        op.f("ck_imports_lifts_stops"), "imports", "NOT lifts_stops OR stop_reason <> ''"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_imports_lifts_stops"), "imports")
    op.drop_column("imports", "lifts_stops")
