"""Proof that another system gives of an opt in: recorded as evidence, and once however often it is sent.

A program that got no answer sends its call again. What is on file already, for the status that stands, is
not recorded a second time; the same words given for a new opt in are.

Everything here runs inside the caller's transaction, which holds the contacts (contact_rows.py), so that of
two calls at once the second sees what the first recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    LargeBinary,
    Select,
    Text,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.types import TypeEngine

from cadence_app.consent import evidence_again
from cadence_app.consent.evidence import Given, record_selected
from cadence_app.consent.evidence_models import Evidence, Way
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db

_KEY = ("contact_id", "team_id")
_COLUMNS: dict[str, TypeEngine[Any]] = {
    "contact_id": BigInteger(),
    "team_id": BigInteger(),
    "method": Text(),
    "agreed_on": Date(),
    "agreed_at": DateTime(timezone=True),
    "words": Text(),
    "page_url": Text(),
    "sha256": LargeBinary(),
    "ip": Text(),
    "collected_by": Text(),
}


class Kept(StrEnum):
    """What became of proof: recorded now, or known since the same was given before."""

    RECORDED = "recorded"
    KNOWN = "known"


def keep(given: Mapping[tuple[int, int], Given], actor: str) -> dict[tuple[int, int], Kept]:
    """Records the proof of contacts and teams, by their pair of ids, in a fixed number of statements, after
    their statuses. `actor` is what the history calls the system. Returns what became of each; who is gone is
    not among them.
    """
    if not given:
        return {}
    told = _rows(given).subquery("told")
    said = select(told.c.contact_id, told.c.team_id, evidence_again.fingerprint(told.c).label("said"))
    known = evidence_again.already({contact_id for contact_id, _ in given})
    fresh = {
        (row.contact_id, row.team_id): given[row.contact_id, row.team_id]
        for row in db.session.execute(said)
        if (row.contact_id, row.team_id, row.said) not in known
    }
    ids = record_selected(_rows(fresh), Way.API, actor) if fresh else ()
    recorded = select(Evidence.contact_id, Evidence.team_id).where(Evidence.id.in_(ids))
    made = {(row.contact_id, row.team_id) for row in db.session.execute(recorded)} if ids else set()
    there = select(Contact.id).where(
        Contact.id.in_({contact_id for contact_id, _ in given}), Contact.gone_at.is_(None)
    )
    held = set(db.session.scalars(there))
    return {pair: Kept.RECORDED if pair in made else Kept.KNOWN for pair in sorted(given) if pair[0] in held}


def _rows(given: Mapping[tuple[int, int], Given]) -> Select[Any]:
    """The proof as rows that record_selected() takes: an array for each column, whatever their number."""
    values = [
        {"contact_id": contact_id, "team_id": team_id} | {name: getattr(each, name) for name in _GIVEN}
        for (contact_id, team_id), each in sorted(given.items())
    ]
    arrays: list[ColumnElement[Any]] = [
        cast([row[name] for row in values], ARRAY(column_type)) for name, column_type in _COLUMNS.items()
    ]
    rows = func.unnest(*arrays).table_valued(*_COLUMNS).render_derived(name="rows")
    return select(*(rows.c[name] for name in _COLUMNS), literal("").label("origin"))


_GIVEN = tuple(name for name in _COLUMNS if name not in _KEY)
