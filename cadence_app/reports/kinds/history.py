"""The Opt out history: every change that the four reported sources made, in seven columns, of which six are
those of every file (columns.py).

Number changes and merges are left out, and how many they are is said beside the file; who filters for them
gets them instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import ColumnElement, and_, bindparam, func, literal, select

from cadence_app.consent.models import CARRIED_SOURCES, REPORTED_SOURCES, OptOutChange, Source
from cadence_app.contacts.searching import holds_part
from cadence_app.phone_numbers import digits_of
from cadence_app.reports.filters import CARRIED, Filters
from cadence_app.reports.kinds.base import ENDS_AT, STARTS_AT, ZONE, Cell, Column, Kind, says
from cadence_app.reports.kinds.columns import contact_columns, how_they_agreed, source_column, status_column


def _made_by(name: str, sources: Collection[Source]) -> ColumnElement[bool]:
    """The sources are written into the statement rather than bound, so that the planner knows the partial
    index by them."""
    values = [str(source) for source in sources]
    return OptOutChange.source.in_(bindparam(name, values, expanding=True, literal_execute=True))


_REPORTED, _CARRIED = _made_by("reported", REPORTED_SOURCES), _made_by("carried", CARRIED_SOURCES)


def _held(filters: Filters) -> ColumnElement[bool]:
    return _CARRIED if filters.source == CARRIED else _REPORTED


def _left_out(filters: Filters) -> Filters | None:
    """Whoever asks for one source does not miss another."""
    return None if filters.source else replace(filters, source=CARRIED)


def _of_source(source: str) -> ColumnElement[bool]:
    return _CARRIED if source == CARRIED else OptOutChange.source == source


def _about(search: str) -> ColumnElement[bool]:
    """holds_part() of the history as it was. Three letters or more are looked up in an index, which narrows a
    million rows to those that may match; fewer are in so many rows that a page of them is soon full."""
    exactly = holds_part(search, OptOutChange)
    if len(search) < 3:
        return exactly
    return and_(OptOutChange.id.in_(select(func.changes_with(search, digits_of(search)))), exactly)


OPT_OUT_HISTORY = Kind(
    key="opt-out-history",
    title="Opt out history",
    about="Every change of an opt-out status by keyword, toggle, first text or manual add.",
    note=(
        "StatusDate in the file is UTC. Changes made by import or through the API are not in it, and number"
        " changes and merges only where the filter Source asks for them."
    ),
    nothing="There was no change in these days",
    query=(
        select(OptOutChange.id)
        .where(OptOutChange.changed_at >= STARTS_AT, OptOutChange.changed_at < ENDS_AT)
        .order_by(OptOutChange.changed_at, OptOutChange.id)
    ),
    columns=(
        *contact_columns(OptOutChange, OptOutChange.team_code),
        status_column(OptOutChange.status),
        Column("StatusDate", OptOutChange.changed_at, Cell.MOMENT),
    ),
    extra=(
        source_column(OptOutChange.source),
        Column("User", OptOutChange.user_name),
        Column("Reason", OptOutChange.reason),
        Column("MessageText", OptOutChange.words),
        Column("MessageId", OptOutChange.message_id, Cell.NUMBER),
        Column(
            "LocalTime",
            func.to_char(func.timezone(ZONE, OptOutChange.changed_at), "YYYY-MM-DD HH24:MI:SS")
            + literal(" ")
            + ZONE,
            Cell.OWN,
        ),
        how_they_agreed(),
    ),
    filters={
        "team_id": lambda team_id: OptOutChange.team_id == team_id,
        "source": _of_source,
        "status": lambda status: OptOutChange.status == status,
        "user_id": lambda user_id: OptOutChange.user_id == user_id,
        "contact": _about,
        "words": says(OptOutChange.words),
    },
    change_id=OptOutChange.id,
    holds=_held,
    leaves_out=_left_out,
)
