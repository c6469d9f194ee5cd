"""What is noted at a status so that the Undo of a change by hand (undoing.py) gives back no more than it
took: who else said the same, and what a reason lifted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from cadence_app.consent.contact_rows import among
from cadence_app.consent.models import Consent, OptOutChange, Source
from cadence_app.extensions import db

# Longer than an Undo is offered for (undoing.py).
UNDONE_WITHIN = timedelta(minutes=5)


def note_lifted(contact_id: int, team_id: int, bars: list[list[Any]]) -> None:
    """Notes which bars the reason of an opt in lifted, for its Undo."""
    noted = update(Consent).where(Consent.contact_id == contact_id, Consent.team_id == team_id)
    db.session.execute(noted.values(lifted=bars))


def note_out_again(pairs: list[tuple[int, int]], toggled_by: int | None) -> None:
    """Notes that somebody else than who has just opted these contacts out has done so too; `toggled_by` is
    the user whose toggle it was, if it was one."""
    noted = update(Consent).where(
        among(Consent.contact_id, Consent.team_id, pairs), undoable(Consent, toggled_by)
    )
    db.session.execute(noted.values(out_again=True), execution_options={"synchronize_session": False})


def undoable(row: Any, but_for: int | None = None) -> ColumnElement[bool]:
    """The condition on a status that an Undo of it may be offered still to somebody else than this user: no
    other need be touched."""
    theirs = select(OptOutChange.id).where(
        OptOutChange.id == row.change_id,
        OptOutChange.source == Source.TOGGLE,
        OptOutChange.user_id.is_distinct_from(but_for),
    )
    lately: ColumnElement[bool] = row.since > func.clock_timestamp() - UNDONE_WITHIN
    return lately & theirs.exists()
