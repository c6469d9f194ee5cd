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
    Boolean,
    ColumnElement,
    DateTime,
    Row,
    Select,
    Text,
    and_,
    any_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)

from cadence_app.accounts.models import User
from cadence_app.consent import possible, team_only
from cadence_app.consent.blocks import STOPPED_EVERYWHERE
from cadence_app.consent.carrying import NOT_CARRIED
from cadence_app.consent.ledger import note_stops, record_selected
from cadence_app.consent.models import Block, BlockScope, Consent, Source, Status
from cadence_app.extensions import db


class Held(StrEnum):
    """Why a file's opt in was not applied: the contact's own words, a status newer than the import or than
    the file's (OLDER), a number that was an erased person's, or one of theirs that is not the one they are
    texted at. OUT_OLDER: an opt out was not applied, for they were opted in after the moment the file gives.
    """

    STOPPED = "stopped"
    NEWER = "newer"
    OLDER = "older"
    BARRED = "barred"
    OTHER_NUMBER = "other_number"
    OUT_OLDER = "out_older"


@dataclass(frozen=True)
class Wish:
    """A status that a file gives a contact in a team. `said_at` is since when (UTC), None where the file does
    not say; `elsewhere`: it is an opt in for another number of theirs than the one texted."""

    contact_id: int
    team_id: int
    status: str | None
    said_at: datetime | None = None
    elsewhere: bool = False


# The columns of wishes, with their types.
_WISHES = (
    *(("contact_id", BigInteger()), ("team_id", BigInteger()), ("status", Text())),
    *(("said_at", DateTime(timezone=True)), ("elsewhere", Boolean())),
)


def wishes_of(wishes: Sequence[Wish]) -> Select[Any]:
    """Wishes as set_by_import() takes them."""
    columns = [
        cast([getattr(wish, name) for wish in wishes], ARRAY(kind)).label(name) for name, kind in _WISHES
    ]
    rows = func.unnest(*columns).table_valued(*(name for name, _ in _WISHES)).render_derived()
    chosen: list[Any] = [type_coerce(rows.c[name], kind).label(name) for name, kind in _WISHES]
    return select().add_columns(*chosen)


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

    `wishes` selects the columns of Wish (a null status: keep what is there), no pair twice. `begun_at` is
    when a person started the import: a status that is newer is not opted in. `stop_reason`, where a person
    wrote one, lets opt ins go over a contact's own words from before that. Where the file says since when a
    status is, it is never applied over a newer stored one; at the same instant the opt out counts.
    """
    if numbers.moved:
        team_only.forget(numbers.moved)
    asked = _asked(wishes, numbers.moved)
    rules = _Rules(asked, numbers, begun_at, stop_reason)
    judged = db.session.execute(rules.judged()).all()
    changed = record_selected(rules.decided(), Source.IMPORT, user)
    out = [row for row in changed if row.status == Status.OPTED_OUT]
    if out:
        possible.settle_opted_out([(row.contact_id, row.team_id) for row in out])
    barred = {(row.contact_id, row.team_id) for row in judged if row.kept_out or row.why == Held.BARRED}
    if barred:
        note_stops(sorted(barred))
    return Outcome(changed, [row for row in judged if row.why])


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
    return wishes.union_all(wishes_of([Wish(*pair, None) for pair in others])).subquery()


class _Rules:
    """The decision on each pair as SQL over what is asked and what is stored."""

    def __init__(self, asked: Any, numbers: Numbers, begun_at: datetime, stop_reason: str) -> None:
        self._asked, self._stop_reason = asked, stop_reason
        self._begun = literal(begun_at, DateTime(timezone=True))
        said_at, elsewhere = asked.c.said_at, func.coalesce(asked.c.elsewhere, false())
        self._elsewhere: ColumnElement[bool] = elsewhere
        # At the same instant the opt out counts.
        self._older = case(
            (asked.c.status == Status.OPTED_IN, func.greatest(Consent.since, Consent.stopped_at) >= said_at),
            else_=and_(Consent.status == Status.OPTED_IN, Consent.since > said_at),
        )
        self._wish = case(
            (or_(elsewhere, func.coalesce(self._older, false())), cast(null(), Text)), else_=asked.c.status
        )
        self._first = Consent.status.is_(None)
        self._out = Consent.status == Status.OPTED_OUT
        self._moved = self._among(numbers.moved)
        self._other = self._among(numbers.other)
        # Of who stopped every team; of a number that a person had who is erased, the block says why.
        self._block = select(Block).where(
            Block.contact_id == asked.c.contact_id, Block.scope == BlockScope.ORGANISATION
        )
        self._erased = self._block.where(Block.reason != "").exists()

    def decided(self) -> Select[Any]:
        """The status of each pair and the reason; what stays as it is is left out."""
        wish, out, into = self._wish, Status.OPTED_OUT, Status.OPTED_IN
        blocked = self._block.exists()
        kept_out = self._kept_out()
        not_carried = or_(
            and_(self._first, self._elsewhere),
            and_(Consent.status == into, self._moved, wish.is_distinct_from(into)),
        )
        status = case(
            (wish == out, out),
            (kept_out, out),
            (not_carried, out),
            (self._first, into),
            (and_(self._out, wish == into, self._held_why().is_(None)), into),
            else_=null(),
        )
        said = self._block.with_only_columns(func.nullif(Block.reason, "")).scalar_subquery()
        said_at = func.timezone("UTC", self._asked.c.said_at)
        dated = func.to_char(said_at, '"In the file since" YYYY-MM-DD HH24:MI:SS "UTC."')
        reason = case(
            (wish == out, func.coalesce(dated, "")),
            (kept_out, func.coalesce(said, STOPPED_EVERYWHERE)),
            (not_carried, NOT_CARRIED),
            (
                and_(status == into, or_(and_(self._first, blocked), Consent.stopped_at.is_not(None))),
                self._stop_reason,
            ),
            else_="",
        )
        asked = self._asked.c
        query = select(asked.contact_id, asked.team_id, status.label("status"), reason.label("reason"))
        return query.outerjoin(Consent, self._same()).where(status.is_not(None))

    def judged(self) -> Select[Any]:
        """The wishes that are not applied, and why, and the pairs that a block keeps opted out."""
        stopped = case((self._erased, Held.BARRED), else_=Held.STOPPED)
        no_opt_in = self._asked.c.status.is_distinct_from(Status.OPTED_IN)
        why = case(
            (
                self._asked.c.status == Status.OPTED_OUT,
                case((self._older, Held.OUT_OLDER), else_=null()),
            ),
            (no_opt_in, null()),
            (
                self._first,
                case((self._keeps_block(), stopped), (self._elsewhere, Held.OTHER_NUMBER), else_=null()),
            ),
            (and_(self._moved, self._erased, self._keeps_block()), Held.BARRED),
            (self._out, self._held_why()),
            else_=null(),
        )
        asked, kept_out = self._asked.c, self._kept_out()
        query = select(
            asked.contact_id,
            asked.team_id,
            why.label("why"),
            func.coalesce(kept_out, false()).label("kept_out"),
        )
        return query.outerjoin(Consent, self._same()).where(or_(why.is_not(None), kept_out))

    def _kept_out(self) -> ColumnElement[bool]:
        """Whether a block opts a contact out of a team, or keeps them out of one that they come into."""
        return and_(
            self._wish.is_distinct_from(Status.OPTED_OUT),
            or_(and_(self._first, self._block.exists()), and_(self._moved, self._erased)),
            or_(self._wish.is_(None), self._keeps_block()),
        )

    def _held_why(self) -> ColumnElement[Any]:
        """Why an opted-out contact is not opted in; null where they are."""
        newer = func.greatest(Consent.since, Consent.stopped_at) >= self._begun
        stopped = and_(Consent.stopped_at.is_not(None), or_(literal(not self._stop_reason), newer))
        return case(
            (and_(self._erased, self._keeps_block()), Held.BARRED),
            (stopped, Held.STOPPED),
            (or_(self._other, self._elsewhere), Held.OTHER_NUMBER),
            (newer, Held.NEWER),
            (self._older, Held.OLDER),
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
