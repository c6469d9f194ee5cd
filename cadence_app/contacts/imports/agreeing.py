"""The rows of a file whose number was stopped before it was theirs: who of them agreed to texts themselves.

They are a list of their own on the check page. Whoever is not ticked comes in opted out, whatever the file
says; no other tick reaches them (consent/number_stops.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select, update

from cadence_app.consent.by_import import Agreed
from cadence_app.contacts.imports.batches import Order
from cadence_app.contacts.imports.models import Import, ImportOutcome, ImportRow
from cadence_app.extensions import db

# More than these are not ticked one by one; they are opted in on their records.
MOST = 200


@dataclass(frozen=True)
class Stopped:
    """A row of the list; `name` is empty where the file has none."""

    line: int
    name: str
    external_id: str
    number: str


def count(imported: Import) -> int:
    """How many rows are of such a number, as the check found."""
    query = select(func.count()).where(*_of_such(imported))
    return db.session.scalars(query).one()


def listed(imported: Import) -> list[Stopped]:
    """The first MOST of these rows."""
    rows = select(
        ImportRow.line, ImportRow.first_name, ImportRow.last_name, ImportRow.external_id, ImportRow.number
    ).where(ImportRow.import_id == imported.id, ImportRow.line.in_(_lines(imported)))
    return [
        Stopped(row.line, f"{row.first_name} {row.last_name}".strip(), row.external_id, row.number)
        for row in db.session.execute(rows.order_by(ImportRow.line))
    ]


def _lines(imported: Import) -> list[int]:
    """Their lines, by an index of their own; the rows by these, whatever the planner thinks of tables that
    were filled a moment ago."""
    query = select(ImportOutcome.line).where(*_of_such(imported)).order_by(ImportOutcome.line).limit(MOST)
    return list(db.session.scalars(query))


def _of_such(imported: Import) -> tuple[ColumnElement[bool], ...]:
    return ImportOutcome.import_id == imported.id, and_(ImportOutcome.number_stopped)


def keep(imported: Import, lines: Collection[int], reason: str) -> int:
    """Keeps of whom, by the lines of the list, a person wrote how they agreed, in this transaction; how many
    those are. Lines that are not on the list are left."""
    chosen = sorted(set(_lines(imported)) & set(lines)) if reason and not imported.is_history else []
    db.session.execute(
        update(ImportRow)
        .where(ImportRow.import_id == imported.id, ImportRow.line.in_(chosen))
        .values(agreed=True)
        .execution_options(synchronize_session=False)
    )
    imported.agreed_reason = reason if chosen else ""
    return len(chosen)


def agreed(order: Order, lines: Collection[int]) -> Agreed:
    """The contacts of these lines, in the open transaction, of whom a person wrote how they agreed."""
    if not order.agreed_reason:
        return Agreed()
    query = (
        select(ImportOutcome.contact_id)
        .join(
            ImportRow,
            (ImportOutcome.import_id == ImportRow.import_id) & (ImportOutcome.line == ImportRow.line),
        )
        .where(
            ImportRow.import_id == order.import_id,
            ImportRow.line.in_(lines),
            ImportRow.agreed.is_(True),
            ImportOutcome.contact_id.is_not(None),
        )
    )
    return Agreed(frozenset(each for each in db.session.scalars(query) if each), order.agreed_reason)


def note(import_id: int, lines: Collection[int], contact_ids: Collection[int]) -> None:
    """Notes of these contacts' lines that their number was stopped before it was theirs."""
    if not contact_ids:
        return
    db.session.execute(
        update(ImportOutcome)
        .where(
            ImportOutcome.import_id == import_id,
            ImportOutcome.line.in_(lines),
            ImportOutcome.contact_id.in_(contact_ids),
        )
        .values(number_stopped=True)
        .execution_options(synchronize_session=False)
    )
