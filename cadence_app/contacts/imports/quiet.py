# ruff: noqa: S608 - built of our own names only
"""The rows of a batch about which nothing is to be decided: most of a file.

Quiet is a row that is refused or waits; a new person whose number nobody ever stopped; and a person whose
stored statuses are what the row asks for, or who has one in each of its teams where it asks for none. No
other row of the file opts a quiet one out, and none moves to another number. All rules of docs/consent.md
leave such a row one outcome, so it is counted, or applied, by set operations. What is not quiet goes the
whole way (applying.py), which gives quiet rows the same outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, cast, exists, func, select, text, true

from cadence_app.consent import first_status
from cadence_app.consent.models import NumberStop, Status
from cadence_app.contacts.imports import statements
from cadence_app.contacts.imports.batches import Applied, Order
from cadence_app.contacts.imports.models import ImportOutcome, ImportRow, Result
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# Another row that opts out whom this one names; OFFSET 0 as in statements.py.
_OTHER_OUT = """EXISTS (
    SELECT FROM (SELECT line, status FROM import_rows
        WHERE import_id = :import_id AND {column} <> '' AND {column} = {value} OFFSET 0) AS other
    WHERE other.status = 'opted_out' AND other.line <> r.line)"""
_OUT_IN_FILE = f"""(:says_out AND (
    {_OTHER_OUT.format(column="external_id", value="r.external_id")}
    OR {_OTHER_OUT.format(column="number", value="r.number")}))"""
_OUT_OF_KNOWN = f"""(:says_out AND (
    {_OTHER_OUT.format(column="external_id", value="c.external_id")}
    OR EXISTS (
        SELECT FROM (SELECT number, until FROM contact_numbers WHERE contact_id = c.id OFFSET 0) AS n
        WHERE n.until IS NULL AND {_OTHER_OUT.format(column="number", value="n.number")})))"""
# In the check nobody has been made yet whom a stop could bar.
_STOPPED = """(:any_stops AND EXISTS (
    SELECT FROM number_spellings(r.number) AS spelled (number) JOIN number_stops s
        ON s.tenant_id = :tenant_id AND s.digest = number_digest(:tenant_id, spelled.number)))"""
_BARRED = "EXISTS (SELECT FROM (SELECT id FROM blocks WHERE contact_id = o.contact_id OFFSET 0) AS bar)"
# What opt_outs.py has decided of a known person is done, and was so before, where it is a quiet row's.
_KNOWN = f"""EXISTS (
    SELECT FROM (SELECT * FROM contacts WHERE id = o.contact_id OFFSET 0) AS c
    WHERE NOT {_OUT_OF_KNOWN}
      AND NOT EXISTS (
        SELECT FROM unnest(r.team_ids) AS asked (team_id)
        LEFT JOIN LATERAL (SELECT status FROM consents
            WHERE contact_id = c.id AND team_id = asked.team_id OFFSET 0) AS stored ON true
        LEFT JOIN LATERAL (SELECT changed FROM import_opt_outs
            WHERE import_id = :import_id AND contact_id = c.id AND team_id = asked.team_id
            OFFSET 0) AS decided ON true
        WHERE stored.status IS NULL OR stored.status <> r.status OR decided.changed
          OR (decided.changed IS NULL) <> (r.status IS DISTINCT FROM 'opted_out')))"""


def _not_quiet(stopped: str, tags: str) -> Any:
    return text(f"""
SELECT r.line FROM {statements.OF_BATCH}
WHERE o.result IN ('new', 'updated', 'unchanged') AND NOT CASE o.result
    WHEN 'new' THEN NOT {stopped} AND NOT {_OUT_IN_FILE}
    ELSE NOT o.moved {tags} AND {_KNOWN} END
""")


_NOT_QUIET = _not_quiet(_BARRED, "")
# Whether they have a tag, and whether how they agreed is recorded already, only trying tells.
_NOT_QUIET_IN_CHECK = _not_quiet(_STOPPED, "AND r.tags = '{}' AND r.given IS NULL")
# Of new people, with what is said of how they agreed: on that of who comes in opted out no consent rests.
_PAIRS = text(f"""
SELECT count(*) AS statuses, count(*) FILTER (WHERE r.given IS NOT NULL) AS evidence,
    count(*) FILTER (WHERE r.given IS NOT NULL AND r.status = 'opted_out') AS idle
FROM {statements.OF_BATCH} CROSS JOIN LATERAL (SELECT DISTINCT unnest(r.team_ids)) AS asked (team_id)
WHERE o.result = 'new'
""")


def check(order: Order, lines: Sequence[int]) -> tuple[Applied, list[int]]:
    """Says of the quiet ones among these lines how they will go, in the open transaction, and writes nothing
    else; what that is, and the other lines. In a file that says since when a status is no row is quiet."""
    if order.dated or (order.evidence and order.evidence.statement):
        return Applied(), list(lines)
    values = _values(order, lines)
    db.session.execute(statements.BY_INDEX)
    db.session.execute(statements.FORGET, values)
    db.session.execute(statements.FORESEEN, values)
    values["any_stops"] = db.session.scalar(select(exists().select_from(NumberStop)))
    others = set(db.session.scalars(_NOT_QUIET_IN_CHECK, values))
    values["lines"] = [line for line in lines if line not in others]
    results = {row.result: row.count for row in db.session.execute(statements.TALLY, values)}
    applied = Applied(Counter(results))
    if results.get(Result.NEW):
        pairs = db.session.execute(_PAIRS, values).one()
        applied.statuses, applied.evidence, applied.idle = pairs.statuses, pairs.evidence, pairs.idle
    return applied, sorted(others)


def apply(order: Order, lines: Sequence[int], any_new: bool) -> tuple[int, list[int]]:
    """Gives the new people of the quiet ones among these lines, who are planned and made, their statuses, in
    the open transaction; how many those are, and the lines that are not quiet. `any_new`: there are any."""
    if order.dated:
        return 0, list(lines)
    others = set(db.session.scalars(_NOT_QUIET, _values(order, lines)))
    quiet = [line for line in lines if line not in others]
    first = first_status.add_selected(_first(order.import_id, quiet), order.user) if any_new else ()
    return len(first), sorted(others)


def _values(order: Order, lines: Sequence[int]) -> dict[str, Any]:
    return {
        "import_id": order.import_id,
        "tenant_id": tenant_in_use(),
        "lines": list(lines),
        "says_out": order.says_out,
    }


def _first(import_id: int, lines: Sequence[int]) -> Any:
    """Contact, team and status of the new people of these lines, for first_status.py."""
    batch = (
        func.unnest(cast(list(lines), ARRAY(BigInteger))).table_valued("line").render_derived(name="batch")
    )
    outcome, row = (
        select(table.__table__)
        .where(table.import_id == import_id, table.line == batch.c.line)
        .offset(0)
        .lateral()
        for table in (ImportOutcome, ImportRow)
    )
    team_id = func.unnest(row.c.team_ids, type_=BigInteger).label("team_id")
    status = func.coalesce(row.c.status, str(Status.OPTED_IN)).label("status")
    query = select(outcome.c.contact_id, team_id, status).distinct()
    joined = batch.join(outcome, true()).join(row, true())
    return query.select_from(joined).where(outcome.c.result == Result.NEW)
