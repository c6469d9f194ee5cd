"""Statuses from a file: many at once, and never over the contact's own STOP without a written reason.

The rules: docs/consent.md, Imports; a column that is absent and a cell that is blank keep what is
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
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from cadence_app.accounts.models import User
from cadence_app.consent import number_stops, possible, team_only
from cadence_app.consent.blocks import STOPPED_EVERYWHERE
from cadence_app.consent.ledger import note_stops, record_selected
from cadence_app.consent.merge_and_number_change import NOT_CARRIED
from cadence_app.consent.models import Block, BlockScope, Consent, Source, Status
from cadence_app.consent.wishes import CHANGE, Wish, rows_of, wishes_of
from cadence_app.extensions import db


class Held(StrEnum):
    """Why a file's opt in was not applied: the contact's own words, a status newer than the import or than
    the file's (OLDER), a number that was stopped before it was theirs, or one of theirs that is not the one
    they are texted at. OUT_OLDER: an opt out was not applied, for they were opted in after the moment the
    file gives.
    """

    STOPPED = "stopped"
    NEWER = "newer"
    BARRED = "barred"
    OTHER_NUMBER = "other_number"
    OLDER = "older"
    OUT_OLDER = "out_older"


@dataclass(frozen=True)
class Outcome:
    """What came of the wishes, a row for each contact and team: `changed` has contact_id, team_id, status;
    `held` contact_id, team_id and why (Held). `number_stopped` are the ids of the contacts whom a stop of a
    number, from before it was theirs, keeps or kept out unless they agreed."""

    changed: Sequence[Row[Any]]
    held: Sequence[Row[Any]]
    number_stopped: Collection[int] = ()


@dataclass(frozen=True)
class Numbers:
    """What the file's numbers (E.164) are to its contacts, by their ids: `moved` has those whose number it
    has just changed, each with the ids of the teams in the wishes, and `before` the number of each until
    then; `other` those whose row names another number of theirs than the one texted, with that one."""

    moved: Mapping[int, Collection[int]]
    before: Mapping[int, str]
    other: Mapping[int, str]


@dataclass(frozen=True)
class Agreed:
    """The contacts, of those with a number that was stopped before it was theirs, of whom a person wrote, in
    `reason`, how they agreed to texts themselves."""

    contact_ids: Collection[int] = ()
    reason: str = ""


def set_by_import(
    wishes: Select[Any],
    numbers: Numbers,
    user: User,
    begun_at: datetime,
    lifts_stops: bool = False,
    stop_reason: str = "",
    agreed: Agreed = Agreed(),
) -> Outcome:
    """Applies what may be applied, in this transaction; the caller holds the contacts as record_selected()
    asks.

    `wishes` selects the columns of Wish (a null status: keep what is there), no pair twice. `begun_at` is
    when a person started the import: a status that is newer is not opted in. `lifts_stops` lets opt ins
    go over a contact's own words from before that, for the `stop_reason` that a person wrote; never over
    those of whoever had a number before, for which each person must have `agreed`. Where the file says since
    when a status is, it is never applied over a newer stored one; at the same instant the opt out counts.
    """
    if numbers.moved:
        team_only.forget(numbers.moved)
    asked = _asked(wishes, numbers.moved)
    rules = _Rules(asked, numbers, begun_at, lifts_stops, stop_reason, agreed)
    judged = db.session.execute(rules.judged()).all()
    anew = [(row.contact_id, row.team_id) for row in db.session.execute(rules.agreed_anew())]
    changed = [
        *record_selected(rules.decided(), Source.IMPORT, user),
        *_opt_in_anew(anew, numbers, agreed, user),
    ]
    out = {(row.contact_id, row.team_id) for row in changed if row.status == Status.OPTED_OUT}
    if out:
        possible.settle_opted_out(sorted(out))
    number_stops.answered(
        [
            (row.contact_id, row.team_id)
            for row in changed
            if row.contact_id in agreed.contact_ids and row.status == Status.OPTED_IN
        ]
    )
    barred = {(row.contact_id, row.team_id) for row in judged if row.kept_out or row.why == Held.BARRED}
    if barred:
        note_stops(sorted(barred))
    return Outcome(
        changed,
        [row for row in judged if row.why],
        {row.contact_id for row in judged if row.number_stopped},
    )


def _opt_in_anew(
    pairs: Sequence[tuple[int, int]], numbers: Numbers, agreed: Agreed, user: User
) -> Sequence[Row[Any]]:
    """Opts who is opted in out for the number that they had, and in for the one they have now, which somebody
    had stopped: what they were does not say that they agreed, so the history must. Returns the opt ins."""
    out = [(*pair, Status.OPTED_OUT, NOT_CARRIED, None, numbers.before.get(pair[0])) for pair in pairs]
    into = [(*pair, Status.OPTED_IN, agreed.reason, None, None) for pair in pairs]
    if pairs:
        record_selected(rows_of(CHANGE, out), Source.NUMBER_CHANGE, user)
    return record_selected(rows_of(CHANGE, into), Source.IMPORT, user) if pairs else ()


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

    def __init__(
        self,
        asked: Any,
        numbers: Numbers,
        begun_at: datetime,
        lifts_stops: bool,
        stop_reason: str,
        agreed: Agreed,
    ) -> None:
        self._asked, self._lifts_stops, self._stop_reason = asked, lifts_stops, stop_reason
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
        self._numbers = numbers
        # Of who stopped every team by their own words.
        self._block = select(Block).where(
            Block.contact_id == asked.c.contact_id, Block.scope == BlockScope.ORGANISATION, Block.number == ""
        )
        # Of whoever had a number of theirs before; it says why.
        self._number_stop = number_stops.bars(asked.c.contact_id, asked.c.team_id)
        self._agreed, self._agreed_reason = self._among(agreed.contact_ids), agreed.reason
        self._barred = and_(self._number_stop.exists(), not_(self._agreed))

    def decided(self) -> Select[Any]:
        """The status of each pair, the reason, and the source and number of record_selected(); what stays as
        it is is left out."""
        wish, out, into = self._wish, Status.OPTED_OUT, Status.OPTED_IN
        blocked, kept_out = self._block.exists(), self._kept_out()
        # Whoever was opted in, and the row does not opt out, is opted out for their number.
        carried = and_(Consent.status == into, wish.is_distinct_from(out))
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
        said = self._number_stop.with_only_columns(func.max(Block.reason)).scalar_subquery()
        said_at = func.timezone("UTC", self._asked.c.said_at)
        dated = func.to_char(said_at, '"In the file since" YYYY-MM-DD HH24:MI:SS "UTC."')
        reason = case(
            (wish == out, func.coalesce(dated, "")),
            (kept_out, func.coalesce(said, STOPPED_EVERYWHERE)),
            (not_carried, NOT_CARRIED),
            (and_(status == into, self._agreed, self._number_stop.exists()), self._agreed_reason),
            (
                and_(status == into, or_(and_(self._first, blocked), Consent.stopped_at.is_not(None))),
                self._stop_reason,
            ),
            else_="",
        )
        source = case((carried, literal(str(Source.NUMBER_CHANGE))), else_=null())
        number = case(
            (carried, self._number_in(self._numbers.before)),
            (wish == out, self._number_in(self._numbers.other)),
            else_=null(),
        )
        asked = self._asked.c
        query = select(
            *(asked.contact_id, asked.team_id, status.label("status"), reason.label("reason")),
            *(source.label("source"), number.label("number")),
        )
        return query.outerjoin(Consent, self._same()).where(status.is_not(None))

    def agreed_anew(self) -> Select[Any]:
        """Those who are opted in and stay so at a number that was stopped, because they agreed themselves."""
        asked = self._asked.c
        query = select(asked.contact_id, asked.team_id).outerjoin(Consent, self._same())
        return query.where(
            Consent.status == Status.OPTED_IN,
            self._wish == Status.OPTED_IN,
            self._moved,
            self._agreed,
            self._number_stop.exists(),
        )

    def judged(self) -> Select[Any]:
        """The wishes that are not applied, and `why`; and, without one, whoever is `kept_out` of a team by a
        stop of the number or of every team, although the row does not opt them out."""
        why = case(
            (
                self._asked.c.status == Status.OPTED_OUT,
                case((self._older, Held.OUT_OLDER), else_=null()),
            ),
            (self._asked.c.status.is_distinct_from(Status.OPTED_IN), null()),
            (and_(or_(self._first, self._moved, self._out), self._barred), Held.BARRED),
            (
                self._first,
                case((self._keeps_block(), Held.STOPPED), (self._elsewhere, Held.OTHER_NUMBER), else_=null()),
            ),
            (self._out, self._held_why()),
            else_=null(),
        )
        kept_out = func.coalesce(
            and_(self._kept_out(), self._wish.is_distinct_from(Status.OPTED_OUT)), false()
        )
        stopped = and_(
            or_(self._first, self._moved, and_(self._out, self._wish == Status.OPTED_IN)),
            self._wish.is_distinct_from(Status.OPTED_OUT),
            self._number_stop.exists(),
        )
        number_stopped = func.coalesce(stopped, false())
        asked = self._asked.c
        query = select(
            *(asked.contact_id, asked.team_id, why.label("why"), kept_out.label("kept_out")),
            number_stopped.label("number_stopped"),
        )
        return query.outerjoin(Consent, self._same()).where(or_(why.is_not(None), kept_out, number_stopped))

    def _kept_out(self) -> ColumnElement[bool]:
        """Whether a stop of the number, or of every team, decides where the row does not opt out."""
        own = and_(self._first, self._block.exists(), or_(self._wish.is_(None), self._keeps_block()))
        return or_(own, and_(or_(self._first, self._moved), self._barred))

    def _held_why(self) -> ColumnElement[Any]:
        """Why an opted-out contact is not opted in; null where they are."""
        newer = func.greatest(Consent.since, Consent.stopped_at) >= self._begun
        other = or_(self._other, self._elsewhere)
        stopped = and_(Consent.stopped_at.is_not(None), or_(literal(not self._lifts_stops), newer))
        return case(
            (self._barred, Held.BARRED),
            (and_(self._agreed, self._number_stop.exists(), not_(or_(newer, other))), null()),
            (stopped, Held.STOPPED),
            (other, Held.OTHER_NUMBER),
            (newer, Held.NEWER),
            (self._older, Held.OLDER),
            else_=null(),
        )

    def _keeps_block(self) -> ColumnElement[bool]:
        """Whether a contact who is blocked everywhere is opted out of a team, although the file opts in."""
        before = literal(self._lifts_stops) & (Block.since < self._begun)
        return self._block.where(~before).exists()

    def _number_in(self, numbers: Mapping[int, str]) -> ColumnElement[Any]:
        """The number of a pair's contact, as an object of JSON has it; null for one who is not in it."""
        written = literal({str(contact_id): number for contact_id, number in numbers.items()}, JSONB)
        found: ColumnElement[Any] = written[cast(self._asked.c.contact_id, Text)].astext
        return found

    def _among(self, contact_ids: Collection[int]) -> ColumnElement[bool]:
        contact_id: ColumnElement[int] = self._asked.c.contact_id
        return contact_id == any_(cast(list(contact_ids), ARRAY(BigInteger)))

    def _same(self) -> ColumnElement[bool]:
        asked = self._asked.c
        return and_(Consent.contact_id == asked.contact_id, Consent.team_id == asked.team_id)
