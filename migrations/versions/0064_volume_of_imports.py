"""What a row of a large file costs: a status is held to its history once a statement, and the tenant of a row
that hangs on a contact or an import of the same tenant is not looked up once more.

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
# Each row by its key, whatever the planner thinks of tables that were filled a moment ago.
_EACH = """
CREATE FUNCTION require_matching_changes() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT a.contact_id, a.team_id INTO wrong
        FROM written a
        LEFT JOIN LATERAL (SELECT * FROM opt_out_changes WHERE id = a.change_id OFFSET 0) AS c ON true
        LEFT JOIN LATERAL (
            SELECT id FROM opt_out_changes WHERE contact_id = a.contact_id AND team_id = a.team_id
            ORDER BY id DESC LIMIT 1
        ) AS newest ON true
        WHERE (c.contact_id = a.contact_id AND c.team_id = a.team_id AND c.status = a.status
            AND c.changed_at = a.since AND newest.id <= a.change_id) IS NOT TRUE
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'contact %, team %: no matching history row', wrong.contact_id, wrong.team_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""
_ONE = """
CREATE FUNCTION require_matching_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.id = NEW.change_id AND c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id
          AND c.status = NEW.status AND c.changed_at = NEW.since
    ) OR EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id AND c.id > NEW.change_id
    ) THEN
        RAISE EXCEPTION 'contact %, team %: no matching history row', NEW.contact_id, NEW.team_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.execute("DROP TRIGGER matches_history ON consents")
    op.execute("DROP FUNCTION require_matching_change()")
    op.execute(_EACH)
    for name, event in (("matches_history", "INSERT"), ("matches_history_still", "UPDATE")):
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON consents REFERENCING NEW TABLE AS written"
            " FOR EACH STATEMENT EXECUTE FUNCTION require_matching_changes()"
        )
    for table in _HELD_ALREADY:
        op.drop_constraint(f"fk_{table}_tenant_id", table, type_="foreignkey")
    for name, columns, which in _FOUND_BY:
        op.create_index(name, "import_outcomes", columns, postgresql_where=sa.text(which))


def downgrade() -> None:
    for name, _, _ in _FOUND_BY:
        op.drop_index(name, table_name="import_outcomes")
    for table in _HELD_ALREADY:
        op.create_foreign_key(f"fk_{table}_tenant_id", table, "tenants", ["tenant_id"], ["id"])
    op.execute("DROP TRIGGER matches_history_still ON consents")
    op.execute("DROP TRIGGER matches_history ON consents")
    op.execute("DROP FUNCTION require_matching_changes()")
    op.execute(_ONE)
    op.execute(
        "CREATE TRIGGER matches_history BEFORE INSERT OR UPDATE ON consents FOR EACH ROW"
        " EXECUTE FUNCTION require_matching_change()"
    )
