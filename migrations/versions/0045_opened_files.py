"""Uploaded files are opened by the worker: how far that is, how they are to be read, and their first rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenants import for_all_tenants

revision = "0045"
down_revision = "0043"
branch_labels = None
depends_on = None

STATES = "'opening', 'draft', 'checking', 'ready', 'importing', 'done', 'cancelled', 'failed'"


def upgrade() -> None:
    for name in ("preview", "asked"):
        op.add_column("imports", sa.Column(name, JSONB(), server_default="{}", nullable=False))
    op.drop_constraint(op.f("ck_imports_state"), "imports", type_="check")
    op.create_check_constraint(op.f("ck_imports_state"), "imports", f"state IN ({STATES})")
    op.drop_index("ix_imports_working", "imports")
    op.create_index(
        "ix_imports_working",
        "imports",
        ["tenant_id", "touched_at"],
        postgresql_where=sa.text("state IN ('opening', 'checking', 'importing')"),
    )
    # Their first rows were read from the file each time a page showed them.
    for_all_tenants(
        "UPDATE imports SET state = 'opening', asked = options || '{\"find_header\": false}'"
        " WHERE state = 'draft'",
        "SELECT count(*) FROM imports WHERE state = 'draft'",
    )
