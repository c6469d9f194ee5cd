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
    exists,
    func,
    literal,
    null,
    or_,
    select,
)

from cadence_app.accounts.models import User
from cadence_app.consent import possible
from cadence_app.consent.ledger import note_stops, record_selected
from cadence_app.consent.models import Block, BlockScope, Consent, Source, Status
from cadence_app.extensions import db

NUMBER_CHANGED = "The number was changed by an import; consent was given for the number before it."
STOPPED_EVERYWHERE = "The person had opted out of the whole organisation before."


class Held(StrEnum):
    """Why a file's opt in was not applied: the contact's own words, or a status newer than the import."""

    STOPPED = "stopped"
    NEWER = "newer"


@dataclass(frozen=True)
class Outcome:
    """What came of the wishes, a row for each contact and team: `changed` has contact_id, team_id, status;
    `held` contact_id, team_id and why (Held)."""

    changed: Sequence[Row[Any]]
    held: Sequence[Row[Any]]


def set_by_import(
    wishes: Select[Any],
    moved: Mapping[int, Collection[int]],
    user: User,
    begun_at: datetime,
    stop_reason: str,
) -> Outcome:
    """Applies what may be applied, in this transaction; the caller holds the contacts as record_selected()
    asks.

    `wishes` selects contact_id, team_id and status (null: keep what is there), no pair twice; `moved` has
    the ids of the contacts whose number the file has just changed, each with those of the teams in the
    wishes. `begun_at` is when a person started the import: a status that is newer is not opted in.
    `stop_reason`, where a person wrote one, lets opt ins go over a contact's own words from before that.
    """
    asked = _asked(wishes, moved)
    held = db.session.execute(_held(asked, begun_at, stop_reason)).all()
    changed = record_selected(_decided(asked, list(moved), begun_at, stop_reason), Source.IMPORT, user)
    out = [row for row in changed if row.status == Status.OPTED_OUT]
    if out:
        possible.settle_opted_out([(row.contact_id, row.team_id) for row in out])
    if kept_out := [(row.contact_id, row.team_id) for row in out if row.reason == STOPPED_EVERYWHERE]:
        note_stops(kept_out)
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


def _decided(asked: Any, moved: list[int], begun_at: datetime, stop_reason: str) -> Select[Any]:
    """The status of each pair and the reason; what stays as it is is left out."""
    wish, out, into = asked.c.status, Status.OPTED_OUT, Status.OPTED_IN
    first, opted_out = Consent.status.is_(None), Consent.status == out
    stopped_everywhere = and_(first, _stopped_everywhere(asked))
    keeps_stop = or_(wish.is_(None), _keeps_block(asked, begun_at, stop_reason))
    status = case(
        (wish == out, out),
        (and_(stopped_everywhere, keeps_stop), out),
        (first, into),
        (
            and_(
                Consent.status == into,
                asked.c.contact_id == any_(cast(moved, ARRAY(BigInteger))),
                wish.is_distinct_from(into),
            ),
            out,
        ),
        (and_(opted_out, wish == into, _held_why(begun_at, stop_reason).is_(None)), into),
        else_=null(),
    )
    kept_out = and_(stopped_everywhere, wish.is_distinct_from(out), status == out)
    reason = case(
        (wish == out, ""),
        (kept_out, STOPPED_EVERYWHERE),
        (and_(Consent.status == into, status == out), NUMBER_CHANGED),
        (and_(status == into, or_(stopped_everywhere, Consent.stopped_at.is_not(None))), stop_reason),
        else_="",
    )
    return (
        select(
            asked.c.contact_id,
            asked.c.team_id,
            status.label("status"),
            reason.label("reason"),
        )
        .outerjoin(Consent, _same(asked))
        .where(status.is_not(None))
    )


def _held(asked: Any, begun_at: datetime, stop_reason: str) -> Select[Any]:
    """The opt ins that are not applied, and why."""
    why = case(
        (
            Consent.status.is_(None),
            case((_keeps_block(asked, begun_at, stop_reason), Held.STOPPED), else_=null()),
        ),
        (Consent.status == Status.OPTED_OUT, _held_why(begun_at, stop_reason)),
        else_=null(),
    )
    return (
        select(asked.c.contact_id, asked.c.team_id, why.label("why"))
        .outerjoin(Consent, _same(asked))
        .where(asked.c.status == Status.OPTED_IN, why.is_not(None))
    )


def _held_why(begun_at: datetime, stop_reason: str) -> ColumnElement[Any]:
    """Why an opted-out contact is not opted in; null where they are."""
    begun = literal(begun_at, DateTime(timezone=True))
    newer = func.greatest(Consent.since, Consent.stopped_at) >= begun
    return case(
        (and_(Consent.stopped_at.is_not(None), or_(literal(not stop_reason), newer)), Held.STOPPED),
        (newer, Held.NEWER),
        else_=null(),
    )


def _keeps_block(asked: Any, begun_at: datetime, stop_reason: str) -> ColumnElement[bool]:
    """Whether a contact who stopped every team is opted out of this one too, although the file opts in."""
    if not stop_reason:
        return _stopped_everywhere(asked)
    return _stopped_everywhere(asked, Block.since >= begun_at)


def _stopped_everywhere(asked: Any, *when: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        Block.contact_id == asked.c.contact_id, Block.scope == BlockScope.ORGANISATION, *when
    )


def _same(asked: Any) -> ColumnElement[bool]:
    return and_(Consent.contact_id == asked.c.contact_id, Consent.team_id == asked.c.team_id)
