"""What a file wishes, as rows that statements of the database read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, Select, Text, cast, func, select, type_coerce
from sqlalchemy.types import TypeEngine

from cadence_app.consent.models import Status

Columns = Sequence[tuple[str, TypeEngine[Any]]]


@dataclass(frozen=True)
class Wish:
    """A status that a file gives a contact in a team. `said_at` is since when (UTC), None where the file does
    not say; `elsewhere`: it is an opt in for another number of theirs than the one texted."""

    contact_id: int
    team_id: int
    status: Status | None
    said_at: datetime | None = None
    elsewhere: bool = False


# The columns of wishes, and of what record_selected() takes, with their types.
_WISHES: Columns = (
    *(("contact_id", BigInteger()), ("team_id", BigInteger()), ("status", Text())),
    *(("said_at", DateTime(timezone=True)), ("elsewhere", Boolean())),
)
CHANGE: Columns = (
    *(("contact_id", BigInteger()), ("team_id", BigInteger()), ("status", Text())),
    *(("reason", Text()), ("source", Text()), ("number", Text())),
)


def wishes_of(wishes: Sequence[Wish]) -> Select[Any]:
    """Wishes as set_by_import() takes them."""
    return rows_of(_WISHES, [tuple(getattr(wish, name) for name, _ in _WISHES) for wish in wishes])


def rows_of(columns: Columns, rows: Sequence[tuple[Any, ...]]) -> Select[Any]:
    """Rows, each with a value for each of the columns, as a query."""
    values = [
        cast([row[at] for row in rows], ARRAY(kind)).label(name) for at, (name, kind) in enumerate(columns)
    ]
    found = func.unnest(*values).table_valued(*(name for name, _ in columns)).render_derived()
    chosen: list[Any] = [type_coerce(found.c[name], kind).label(name) for name, kind in columns]
    return select().add_columns(*chosen)
