"""What a row of a large file costs: the tenant of a row that hangs on a contact or an import of the tenant is
not looked up once more.

The keys that go say nothing new: each of these tables has another one, (tenant_id, contact_id) or (tenant_id,
import_id), to a row whose own tenant exists. The check page finds refused rows by their kind, and rows with a
number that was stopped, by indexes. The guard of a status looks for newer history by its own index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_HELD_ALREADY = ("contact_numbers", "consents", "opt_out_changes", "import_rows", "import_outcomes")
# What the check page lists of a file of any size.
_FOUND_BY = (
    ("ix_import_outcomes_refused", ["import_id", "kind", "line"], "kind <> ''"),
    ("ix_import_outcomes_stopped", ["import_id", "line"], "number_stopped"),
)

# As it was, but for OFFSET 0. Without it the planner, whose statistics are of before a large import, may look
# for newer rows by their id alone, among all that the same statement has just written.
_GUARD = """
CREATE OR REPLACE FUNCTION require_matching_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.id = NEW.change_id AND c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id
          AND c.status = NEW.status AND c.changed_at = NEW.since
    ) OR EXISTS (
        SELECT FROM (
            SELECT id FROM opt_out_changes
            WHERE contact_id = NEW.contact_id AND team_id = NEW.team_id{by_key}
        ) AS c WHERE c.id > NEW.change_id
    ) THEN
        RAISE EXCEPTION 'contact %, team %: no matching history row', NEW.contact_id, NEW.team_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.execute(_GUARD.format(by_key=" OFFSET 0"))
    for table in _HELD_ALREADY:
        op.drop_constraint(f"fk_{table}_tenant_id", table, type_="foreignkey")
    for name, columns, which in _FOUND_BY:
        op.create_index(name, "import_outcomes", columns, postgresql_where=sa.text(which))


def downgrade() -> None:
    op.execute(_GUARD.format(by_key=""))
    for name, _, _ in _FOUND_BY:
        op.drop_index(name, table_name="import_outcomes")
    for table in _HELD_ALREADY:
        op.create_foreign_key(f"fk_{table}_tenant_id", table, "tenants", ["tenant_id"], ["id"])
