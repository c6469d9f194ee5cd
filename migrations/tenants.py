"""What every migration needs that touches tables of tenants.

Row-level security holds for the tables' owner too, so a plain UPDATE of a migration finds no row and says so
to nobody: for_all_tenants() runs it for all of them. A new table is closed by protect(), a new look-up given
away by give_to_lookup().
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from sqlalchemy import text

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

_FORCED = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relforcerowsecurity ORDER BY 1
"""

# The keys between tables of tenants that don't carry the tenant: `own` and `theirs` are its other columns.
_LOOSE_KEYS = """
SELECT c.conname AS name, c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS parent,
    own.names AS own, theirs.names AS theirs, pg_get_constraintdef(c.oid) AS definition
FROM pg_constraint c
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY k.place) AS names
    FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number) AS own
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY k.place) AS names
    FROM unnest(c.confkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number) AS theirs
WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
  AND 'tenant_id' <> ALL (own.names) AND 'tenant_id' <> ALL (theirs.names)
  AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.conrelid AND attname = 'tenant_id')
  AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.confrelid AND attname = 'tenant_id')
ORDER BY 2, 1
"""


def protect(table: str, rights: str) -> None:
    """Closes a new table that has a tenant_id: each tenant sees its own rows, whoever asks; a backup all.
    `rights` is what the application may do with it, such as "SELECT, INSERT"."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
    op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    force(table)
    carry_tenant()


def force(table: str) -> None:
    """Holds the owner of a table to its policies too, and lets a backup read it. Twice is no harm."""
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"DROP POLICY IF EXISTS backup ON {table}")
    op.execute(f"CREATE POLICY backup ON {table} FOR SELECT TO cadence_backup USING (true)")
    op.execute(f"GRANT SELECT ON {table} TO cadence_backup")


def give_to_lookup(function: str, reads: dict[str, str]) -> None:
    """Gives a look-up that comes before a tenant is known to the role of look-ups: `reads` are the columns it
    needs of each table, which it then reads of every tenant, and nothing else. The function is SECURITY
    DEFINER and sets its search path."""
    op.execute("GRANT CREATE ON SCHEMA public TO cadence_lookup")
    for table, columns in reads.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO cadence_lookup")
        op.execute(f"DROP POLICY IF EXISTS lookup ON {table}")
        op.execute(f"CREATE POLICY lookup ON {table} FOR SELECT TO cadence_lookup USING (true)")
    op.execute(f"ALTER FUNCTION {function} OWNER TO cadence_lookup")
    op.execute("REVOKE CREATE ON SCHEMA public FROM cadence_lookup")


@contextmanager
def open_to_owner() -> Iterator[None]:
    """The owner sees every tenant's rows within, and nobody else does: what it changes is locked until the
    migration commits, by when the tables are closed again."""
    tables = list(op.get_bind().scalars(text(_FORCED)))
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def for_all_tenants(statement: str, rows: str) -> int:
    """Runs a change of rows for every tenant; `rows` is the SELECT that counts which it must change. Returns
    how many it did. Errors: RuntimeError where it were others."""
    with open_to_owner():
        expected = op.get_bind().scalar(text(rows))
        done: int = op.get_bind().execute(text(statement)).rowcount
    if done != expected:
        raise RuntimeError(f"{done} rows were changed where {expected} should have been: {statement}")
    return done


def carry_tenant() -> None:
    """Makes every foreign key between tables of tenants carry the tenant, so that no row of one can point
    to a row of another: PostgreSQL checks such keys without regard to row-level security.

    Errors: RuntimeError where a row points to another tenant's already, naming the key.
    """
    keys = op.get_bind().execute(text(_LOOSE_KEYS)).all()
    if not keys:
        return
    with open_to_owner():
        for key in keys:
            _carry(key.name, key.child, key.parent, key.own, key.theirs, key.definition)


def _carry(name: str, child: str, parent: str, own: list[str], theirs: list[str], definition: str) -> None:
    pairs = " AND ".join(f"p.{theirs[at]} = c.{column}" for at, column in enumerate(own))
    astray = op.get_bind().scalar(
        text(f"SELECT count(*) FROM {child} c JOIN {parent} p ON {pairs} WHERE p.tenant_id <> c.tenant_id")  # noqa: S608
    )
    if astray:
        raise RuntimeError(f"{astray} rows of {child} point to another tenant's {parent} ({name})")
    target = ", ".join(["tenant_id", *theirs])
    if not op.get_bind().scalar(text(_UNIQUE), {"parent": parent, "columns": ["tenant_id", *theirs]}):
        op.execute(f"ALTER TABLE {parent} ADD CONSTRAINT {_unique_name(parent, theirs)} UNIQUE ({target})")
    # What it does when the other row goes, and when it is checked, stays as it was.
    rest = definition.partition(f" REFERENCES {parent}(")[2].partition(")")[2]
    rest = rest.replace("ON DELETE SET NULL", f"ON DELETE SET NULL ({', '.join(own)})")
    op.execute(
        f"ALTER TABLE {child} DROP CONSTRAINT {name}, ADD CONSTRAINT {name}"
        f" FOREIGN KEY ({', '.join(['tenant_id', *own])}) REFERENCES {parent} ({target}){rest}"
    )


_UNIQUE = """
SELECT EXISTS (
    SELECT FROM pg_constraint c WHERE c.conrelid = CAST(:parent AS regclass) AND c.contype IN ('p', 'u')
      AND CAST(:columns AS text[]) = (
        SELECT array_agg(a.attname::text ORDER BY k.place)
        FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number))
"""


def _unique_name(parent: str, columns: list[str]) -> str:
    return f"uq_{parent}_tenant_id_{'_'.join(columns)}"[:63]
