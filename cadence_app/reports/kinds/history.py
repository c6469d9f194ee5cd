"""The Opt out history: every change that the four reported sources made."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, bindparam, func, literal, select

from cadence_app.consent.models import REPORTED_SOURCES, OptOutChange
from cadence_app.contacts.numbers import digits_of
from cadence_app.contacts.service import matches
from cadence_app.reports.kinds.base import ENDS_AT, STARTS_AT, ZONE, Cell, Column, Kind, says
from cadence_app.reports.kinds.columns import contact_columns, source_column, status_column

# Written into the statement rather than bound, so that the planner knows the partial index by it.
REPORTED: ColumnElement[bool] = OptOutChange.source.in_(
    bindparam("reported", [str(source) for source in REPORTED_SOURCES], expanding=True, literal_execute=True)
)


def _about(search: str) -> ColumnElement[bool]:
    """matches() of the history as it was. Three letters or more are looked up in an index, which narrows a
    million rows to those that may match; fewer are in so many rows that a page of them is soon full."""
    exactly = matches(search, OptOutChange)
    if len(search) < 3:
        return exactly
    return and_(OptOutChange.id.in_(select(func.changes_with(search, digits_of(search)))), exactly)


OPT_OUT_HISTORY = Kind(
    key="opt-out-history",
    title="Opt out history",
    about="Every change of an opt-out status by keyword, toggle, first text or manual add.",
    note="StatusDate in the file is UTC. Changes made by import or through the API are not in it.",
    nothing="There was no change in these days",
    query=(
        select(OptOutChange.id)
        .where(REPORTED, OptOutChange.changed_at >= STARTS_AT, OptOutChange.changed_at < ENDS_AT)
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
    ),
    filters={
        "team_id": lambda team_id: OptOutChange.team_id == team_id,
        "source": lambda source: OptOutChange.source == source,
        "status": lambda status: OptOutChange.status == status,
        "user_id": lambda user_id: OptOutChange.user_id == user_id,
        "contact": _about,
        "words": says(OptOutChange.words),
    },
    change_id=OptOutChange.id,
)
