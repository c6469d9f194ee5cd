"""A part of a name in a history of a million rows, as the screen asks for it: with the index, and without."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, text

from benchmarks.scratch import Scratch, load_changes
from cadence_app.consent.models import OptOutChange
from cadence_app.contacts.searching import holds_part
from cadence_app.extensions import db
from cadence_app.reports import changes
from cadence_app.reports.filters import Filters
from cadence_app.reports.scope import Scope
from cadence_app.tenancy import use_tenant

# In one row, in a hundred and in thousands; a number; and none.
PARTS = ("0765432", "first4999 last", "Last66", "212 345", "nobody here")


def measure(scratch: Scratch, rows: int, rounds: int) -> dict[str, dict[str, list[float] | int]]:
    """By the part: how many rows have it, milliseconds of a page of them by the index, and how many times as
    long it takes without. Errors: AssertionError where the two find different rows."""
    load_changes(scratch, rows)
    use_tenant(scratch.tenant_id)
    db.session.execute(text("SELECT 1"))
    return {part: _measure(part, rounds) for part in PARTS}


def _measure(part: str, rounds: int) -> dict[str, list[float] | int]:
    scope = _scope(Filters(contact=part))
    plain = [*_scope(Filters()).conditions(), holds_part(part, OptOutChange)]
    by_index: list[float] = []
    without: list[float] = []
    for _ in range(rounds):
        by_index.append(_seconds(lambda: changes.newest(scope)))
        without.append(_seconds(lambda: _newest(plain)))
    found = _count(scope.conditions())
    if found != _count(plain):
        raise AssertionError(f"{part}: {found} rows by the index, {_count(plain)} without")
    return {
        "rows": found,
        "milliseconds": [1000 * each for each in by_index],
        "without_to_by_index": [a / b for a, b in zip(without, by_index, strict=True)],
    }


def explained(part: str) -> str:
    """The plan of the page of changes that hold this part, and of the look-up within it."""
    query = select(OptOutChange.id).where(*_scope(Filters(contact=part)).conditions()).limit(26)
    state = query.compile(db.engine).construct_expanded_state({})
    lines = db.session.connection().exec_driver_sql(
        "EXPLAIN (ANALYZE, TIMING OFF) " + state.statement, dict(state.parameters)
    )
    return "\n".join(line for (line,) in lines)


def _scope(filters: Filters) -> Scope:
    return Scope(date(2025, 12, 1), date(2027, 1, 31), ZoneInfo("America/New_York"), filters)


def _newest(conditions: list[ColumnElement[bool]]) -> None:
    newest = select(OptOutChange).where(*conditions)
    db.session.scalars(
        newest.order_by(OptOutChange.changed_at.desc(), OptOutChange.id.desc()).limit(26)
    ).all()


def _count(conditions: list[ColumnElement[bool]]) -> int:
    return db.session.scalars(select(func.count()).select_from(OptOutChange).where(*conditions)).one()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
