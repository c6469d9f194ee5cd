"""What a row of a large file costs: the tenant of a row that hangs on a contact or an import of the tenant is
not looked up once more.

The keys that go say nothing new: each of these tables has another one, (tenant_id, contact_id) or (tenant_id,
import_id), to a row whose own tenant exists. The check page finds refused rows by their kind, and rows with a
number that was stopped, by indexes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0062"
branch_labels = None
depends_on = None

_HELD_ALREADY = ("contact_numbers", "consents", "opt_out_changes", "import_rows", "import_outcomes")
# What the check page lists of a file of any size.
_FOUND_BY = (
    ("ix_import_outcomes_refused", ["import_id", "kind", "line"], "kind <> ''"),
    ("ix_import_outcomes_stopped", ["import_id", "line"], "number_stopped"),
)


def upgrade() -> None:
    for table in _HELD_ALREADY:
        op.drop_constraint(f"fk_{table}_tenant_id", table, type_="foreignkey")
    for name, columns, which in _FOUND_BY:
        op.create_index(name, "import_outcomes", columns, postgresql_where=sa.text(which))


def downgrade() -> None:
    for name, _, _ in _FOUND_BY:
        op.drop_index(name, table_name="import_outcomes")
    for table in _HELD_ALREADY:
        op.create_foreign_key(f"fk_{table}_tenant_id", table, "tenants", ["tenant_id"], ["id"])
