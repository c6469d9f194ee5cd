"""Which row of the history of one person in one team stood at an earlier moment, worked out from the history.

For texts from before what decided was kept with them. Nothing is guessed: where two records were two people's
at that moment and are one by now, nobody can tell to which of them a text went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select

from cadence_app.consent.contact_rows import with_merged
from cadence_app.consent.evidence_models import Method
from cadence_app.consent.evidence_of_change import resting_of_changes
from cadence_app.consent.models import OptOutChange
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db


@dataclass(frozen=True)
class Then:
    """The row that stood; None where the history has none of that time. `unclear`: there was more than one
    record, each with a row of its own."""

    change: OptOutChange | None = None
    unclear: bool = False


@dataclass(frozen=True)
class Agreement:
    """What an opt in rested on: a text of theirs, else the evidence recorded for it; neither where nothing
    is recorded."""

    by_text: bool
    method: Method | None
    agreed_on: Any
    collected_by: str


def merged_at(contact_id: int) -> dict[int, datetime]:
    """When each record that was merged into this one was."""
    gone = select(Contact.id, Contact.gone_at).where(Contact.merged_into_id == contact_id)
    return {row.id: row.gone_at for row in db.session.execute(gone) if row.gone_at}


def changes_in(contact_id: int, team_ids: Iterable[int]) -> list[OptOutChange]:
    """All changes of a person in these teams, of every record that is theirs, oldest first."""
    query = select(OptOutChange).where(
        OptOutChange.contact_id.in_(with_merged(contact_id)), OptOutChange.team_id.in_(list(team_ids))
    )
    return list(db.session.scalars(query.order_by(OptOutChange.changed_at, OptOutChange.id)))


def standing_at(
    changes: Sequence[OptOutChange], contact_id: int, merged: Mapping[int, datetime], at: datetime
) -> Then:
    """The row of one team's changes, oldest first, that stood at a moment. A record that had been merged by
    then counts only where the kept one has no row: what the kept one says has stood since."""
    last: dict[int, OptOutChange] = {}
    for change in changes:
        if change.changed_at <= at:
            last[change.contact_id] = change
    apart = [row for record, row in last.items() if record in merged and merged[record] > at]
    own = last.get(contact_id)
    if own is None:
        before = [row for record, row in last.items() if record in merged and merged[record] <= at]
        own = max(before, key=lambda row: (row.changed_at, row.id), default=None)
    found = [*apart, *([own] if own else [])]
    if len(found) > 1:
        return Then(unclear=True)
    return Then(found[0] if found else None)


def agreement_of(change: OptOutChange, zone: str) -> Agreement | None:
    """What an opt in of the history rested on; None for an opt out, and where nothing is recorded. Days are
    days of `zone`, by its name."""
    resting = resting_of_changes(literal(zone))
    columns = (resting.text, resting.method, resting.agreed_on, resting.collected_by)
    names = ("by_text", "method", "agreed_on", "collected_by")
    labels = [column.label(name) for column, name in zip(columns, names, strict=True)]
    query = select(*labels).select_from(OptOutChange).where(OptOutChange.id == change.id)
    row = db.session.execute(resting.joined(query)).one()
    if row.by_text:
        return Agreement(True, None, row.agreed_on, "")
    if row.method is None:
        return None
    return Agreement(False, Method(row.method), row.agreed_on, row.collected_by or "")
