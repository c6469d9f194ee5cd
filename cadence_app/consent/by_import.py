"""Statuses from a file: many at once, and never over the contact's own STOP without a written reason.

The rules: DESIGN.md, Rules of consent, 11; a column that is absent and a cell that is blank keep what is
there, and a first status in a team is then opted in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Row,
    Select,
    Text,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)

from cadence_app.accounts.models import User
from cadence_app.consent import number_stops, possible, team_only
from cadence_app.consent.blocks import STOPPED_EVERYWHERE
from cadence_app.consent.carrying import NOT_CARRIED
from cadence_app.consent.ledger import note_stops, record_selected
from cadence_app.consent.models import Block, BlockScope, Consent, Source, Status
from cadence_app.extensions import db


class Held(StrEnum):
    """Why a file's opt in was not applied: the contact's own words, a status newer than the import, a number
    that was stopped before it was theirs, or one of theirs that is not the one they are texted at."""

    STOPPED = "stopped"
    NEWER = "newer"
    BARRED = "barred"
    OTHER_NUMBER = "other_number"


@dataclass(frozen=True)
class Outcome:
    """What came of the wishes, a row for each contact and team: `changed` has contact_id, team_id, status;
    `held` contact_id, team_id and why (Held)."""

    changed: Sequence[Row[Any]]
    held: Sequence[Row[Any]]


@dataclass(frozen=True)
class Numbers:
    """What the file's numbers are to its contacts: `moved` has the ids of those whose number it has just
    changed, each with the ids of the teams in the wishes; `other` the ids of those whose row names another
    number of theirs than the one texted."""

    moved: Mapping[int, Collection[int]]
    other: Collection[int] = ()


def set_by_import(
    wishes: Select[Any], numbers: Numbers, user: User, begun_at: datetime, stop_reason: str
) -> Outcome:
    """Applies what may be applied, in this transaction; the caller holds the contacts as record_selected()
    asks.

    `wishes` selects contact_id, team_id and status (null: keep what is there), no pair twice. `begun_at` is
    when a person started the import: a status that is newer is not opted in. `stop_reason`, where a person
    wrote one, lets opt ins go over a contact's own words from before that.
    """
    if numbers.moved:
        team_only.forget(numbers.moved)
    asked = _asked(wishes, numbers.moved)
    rules = _Rules(asked, numbers, begun_at, stop_reason)
    held = db.session.execute(rules.held()).all()
    changed = record_selected(rules.decided(), Source.IMPORT, user)
    out = [row for row in changed if row.status == Status.OPTED_OUT]
    if out:
        possible.settle_opted_out([(row.contact_id, row.team_id) for row in out])
    barred = {(row.contact_id, row.team_id) for row in held if row.why == Held.BARRED}
    barred |= {(row.contact_id, row.team_id) for row in out if row.reason not in {"", NOT_CARRIED}}
    if barred:
        note_stops(sorted(barred))
    return Outcome(changed, held)


def _asked(wishes: Select[Any], moved: Mapping[int, Collection[int]]) -> Any:
    """The wishes, and each other team of the contacts whose number was changed."""
    theirs = select(Consent.contact_id, Consent.team_id).where(Consent.contact_id.in_(moved))
    others = [
        (row.contact_id, row.team_id)
        for row in (db.session.execute(theirs) if moved else ())
        if row.team_id not in moved[row.contact_id]
    ]
    if not others:
        return wishes.subquery()
    ids = [cast([pair[side] for pair in others], ARRAY(BigInteger)) for side in (0, 1)]
    pairs = func.unnest(*ids).table_valued("contact_id", "team_id").render_derived()
    return wishes.union_all(select(pairs.c.contact_id, pairs.c.team_id, cast(null(), Text))).subquery()


class _Rules:
    """The decision on each pair as SQL over what is asked and what is stored."""

    def __init__(self, asked: Any, numbers: Numbers, begun_at: datetime, stop_reason: str) -> None:
        self._asked, self._stop_reason = asked, stop_reason
        self._begun = literal(begun_at, DateTime(timezone=True))
        self._wish = asked.c.status
        self._first = Consent.status.is_(None)
        self._out = Consent.status == Status.OPTED_OUT
        self._moved = self._among(numbers.moved)
        self._other = self._among(numbers.other)
        # Of who stopped every team, by their own words.
        self._block = select(Block).where(
            Block.contact_id == asked.c.contact_id, Block.scope == BlockScope.ORGANISATION, Block.number == ""
        )
        # Of whoever had a number of theirs before: says why.
        self._barred = number_stops.bars(asked.c.contact_id, asked.c.team_id)

    def decided(self) -> Select[Any]:
        """The status of each pair and the reason; what stays as it is is left out."""
        wish, out, into = self._wish, Status.OPTED_OUT, Status.OPTED_IN
        blocked, barred = self._block.exists(), self._barred.exists()
        kept_out = or_(
            and_(or_(self._first, self._moved), barred),
            and_(self._first, blocked, or_(wish.is_(None), self._keeps_block())),
        )
        status = case(
            (wish == out, out),
            (kept_out, out),
            (self._first, into),
            (and_(Consent.status == into, self._moved, wish.is_distinct_from(into)), out),
            (and_(self._out, wish == into, self._held_why().is_(None)), into),
            else_=null(),
        )
        said = self._barred.with_only_columns(func.max(Block.reason)).scalar_subquery()
        reason = case(
            (wish == out, ""),
            (kept_out, func.coalesce(said, STOPPED_EVERYWHERE)),
            (and_(Consent.status == into, status == out), NOT_CARRIED),
            (
                and_(status == into, or_(and_(self._first, blocked), Consent.stopped_at.is_not(None))),
                self._stop_reason,
            ),
            else_="",
        )
        asked = self._asked.c
        query = select(asked.contact_id, asked.team_id, status.label("status"), reason.label("reason"))
        return query.outerjoin(Consent, self._same()).where(status.is_not(None))

    def held(self) -> Select[Any]:
        """The opt ins that are not applied, and why."""
        barred = self._barred.exists()
        why = case(
            (and_(or_(self._first, self._moved, self._out), barred), Held.BARRED),
            (and_(self._first, self._keeps_block()), Held.STOPPED),
            (self._out, self._held_why()),
            else_=null(),
        )
        asked = self._asked.c
        query = select(asked.contact_id, asked.team_id, why.label("why"))
        return query.outerjoin(Consent, self._same()).where(self._wish == Status.OPTED_IN, why.is_not(None))

    def _held_why(self) -> ColumnElement[Any]:
        """Why an opted-out contact is not opted in; null where they are."""
        newer = func.greatest(Consent.since, Consent.stopped_at) >= self._begun
        stopped = and_(Consent.stopped_at.is_not(None), or_(literal(not self._stop_reason), newer))
        return case(
            (self._barred.exists(), Held.BARRED),
            (stopped, Held.STOPPED),
            (self._other, Held.OTHER_NUMBER),
            (newer, Held.NEWER),
            else_=null(),
        )

    def _keeps_block(self) -> ColumnElement[bool]:
        """Whether a contact who is blocked everywhere is opted out of a team, although the file opts in."""
        before = literal(bool(self._stop_reason)) & (Block.since < self._begun)
        return self._block.where(~before).exists()

    def _among(self, contact_ids: Collection[int]) -> ColumnElement[bool]:
        contact_id: ColumnElement[int] = self._asked.c.contact_id
        return contact_id == any_(cast(list(contact_ids), ARRAY(BigInteger)))

    def _same(self) -> ColumnElement[bool]:
        asked = self._asked.c
        return and_(Consent.contact_id == asked.contact_id, Consent.team_id == asked.team_id)
