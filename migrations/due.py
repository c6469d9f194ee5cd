"""What a migration needs that adds a query for what is due (cadence_app/work/due.py).

Each is a function `due_NAME(late interval, of_each integer, at_most integer)` that belongs to the role of
look-ups and gives (tenant_id, id) of what has been due for `late`: of each tenant at most `of_each`, and of
all at most `at_most`, the first of each tenant before the second ones.
"""

from __future__ import annotations

from alembic import op

from migrations.tenants import give_to_lookup

_ARGUMENTS = "late interval, of_each integer, at_most integer"

_FUNCTION = """
CREATE FUNCTION {name}({arguments}) RETURNS TABLE (tenant_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
{query}
$$;
REVOKE ALL ON FUNCTION {name} FROM public;
GRANT EXECUTE ON FUNCTION {name} TO cadence_app;
"""

# The tenants that have something waiting are found one after the other in an index that begins with the
# tenant, without looking at what each of them has; then the first rows of each.
_ROWS = """
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM {table} w WHERE {waiting} ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM {table} w WHERE {waiting} AND w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    {first}
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
"""

_FIRST = """
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT w.{id} AS id FROM {table} w
        WHERE w.tenant_id = h.tenant_id AND {waiting} AND {due} ORDER BY {due_at}, w.{id} LIMIT of_each
    ) AS first"""

_TENANTS = """
SELECT t.id, t.id FROM tenants t WHERE {due} ORDER BY random() LIMIT at_most
"""


def make_due_rows(
    name: str,
    table: str,
    reads: dict[str, str],
    *,
    waiting: str,
    due_at: str,
    due: str = "",
    id_column: str = "id",
) -> None:
    """Of a table with a tenant_id. `waiting` and `due` are conditions, `due_at` what rows come in the order
    of, all with `w` for the table; without `due` it is `due_at` that must be past. An index on tenant_id and
    `due_at` for the rows that are `waiting` must be there. `reads` are the columns of each table that the
    role needs."""
    _make(name, rows(table, waiting=waiting, due_at=due_at, due=due, id_column=id_column), reads)


def rows(table: str, *, waiting: str, due_at: str, due: str = "", id_column: str = "id") -> str:
    """The query of make_due_rows()."""
    due = due or f"{due_at} <= now() - late"
    first = _FIRST.format(id=id_column, table=table, waiting=waiting, due=due, due_at=due_at)
    return _ROWS.format(table=table, waiting=waiting, first=first)


def make_due_in_parts(name: str, table: str, reads: dict[str, str], *, parts: list[str], due_at: str) -> None:
    """As make_due_rows(), where rows of several conditions wait, and many of one must not be before
    others: each condition has its own first row, its own second one, and so on."""
    due = f"{due_at} <= now() - late"
    firsts = [
        f"({_FIRST.format(id='id', table=table, waiting=part, due=due, due_at=due_at)})" for part in parts
    ]
    waiting = f"({' OR '.join(parts)})"
    _make(name, _ROWS.format(table=table, waiting=waiting, first=" UNION ALL ".join(firsts)), reads)


def in_turns(*queries: str) -> str:
    """Several queries of rows(), each by an index of its own, as one: the first row of each, then the second
    ones, so that many of one are not before the others."""
    parts = " UNION ALL ".join(
        f"SELECT part.tenant_id, part.id, row_number() OVER () AS turn FROM ({query}) AS part"  # noqa: S608
        for query in queries
    )
    return f"SELECT due.tenant_id, due.id FROM ({parts}) AS due ORDER BY due.turn LIMIT at_most"  # noqa: S608


def make_due_tenants(name: str, reads: dict[str, str], *, due: str) -> None:
    """Of tenants as a whole: `due` is a condition with `t` for the tenant's own row."""
    _make(name, _TENANTS.format(due=due), reads)


def make_due(name: str, query: str, reads: dict[str, str], more: str = "") -> None:
    """Any other query of two columns; `more` are further arguments, such as ", carriers text[]"."""
    _make(name, query, reads, more)


def _make(name: str, query: str, reads: dict[str, str], more: str = "") -> None:
    op.execute(_FUNCTION.format(name=name, arguments=_ARGUMENTS + more, query=query.strip()))
    types = "interval, integer, integer" + "".join(f", {each.split()[-1]}" for each in more.split(",")[1:])
    give_to_lookup(f"{name}({types})", reads)
