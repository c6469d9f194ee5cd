"""Forgetting a person: each area says itself what it keeps of them beside their record, and how that goes
when they are erased, or removed by age, and moves in a merge. The rows stay where they are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db


@dataclass(frozen=True)
class Leaving:
    """Who is forgotten: contacts, whom the caller holds, the numbers (E.164) that were theirs, the same as
    `digits` in every way to write them, and their ContactIds. `waiting_posts`: texts that a carrier brought
    and that are not taken in yet go, too."""

    ids: Sequence[int]
    numbers: Sequence[str]
    digits: Sequence[str]
    external_ids: Sequence[str]
    waiting_posts: bool


def _nothing_to_move(kept_id: int, gone_id: int) -> None:
    """What stands under the one merged away is found there."""


@dataclass(frozen=True)
class Traces:
    """What an area keeps: `clear` takes it away, in the caller's transaction; `move` gives what the second
    contact has to the first, in a merge."""

    area: str
    clear: Callable[[Leaving], None]
    move: Callable[[int, int], None] = _nothing_to_move


_kept: dict[str, Traces] = {}


def register(traces: Traces) -> None:
    _kept[traces.area] = traces


def clear(contact_ids: Collection[int], waiting_posts: bool = True) -> None:
    """Clears these contacts' traces, in this transaction, which holds them. Called while their numbers and
    ContactIds still stand. `waiting_posts` is False where the number is not barred, for one of the texts that
    wait may be a STOP.
    """
    ids = list(contact_ids)
    numbers = _numbers_of(ids)
    words = set(db.session.scalars(select(Contact.external_id).where(Contact.id.in_(ids)))) - {""}
    leaving = Leaving(ids, sorted(numbers), _digits(numbers), sorted(words), waiting_posts)
    for traces in _in_order():
        traces.clear(leaving)


def move(kept_id: int, gone_id: int) -> None:
    """What a merge does with them, in this transaction, which holds both."""
    for traces in _in_order():
        traces.move(kept_id, gone_id)


def _in_order() -> list[Traces]:
    """Always the same one, so that two who forget never wait for each other."""
    return [_kept[area] for area in sorted(_kept)]


def _numbers_of(ids: list[int]) -> set[str]:
    """Every number they have or had, but for what is somebody else's by now."""
    others = aliased(ContactNumber)
    given_away = exists().where(
        others.number == ContactNumber.number, others.until.is_(None), others.contact_id.not_in(ids)
    )
    query = select(ContactNumber.number).where(ContactNumber.contact_id.in_(ids), ~given_away)
    return set(db.session.scalars(query))


def _digits(numbers: Collection[str]) -> list[str]:
    """The digits of numbers (E.164), of those of North America without the country too, and of those of
    Mexico with the 1 that they had."""
    whole = {number.removeprefix("+") for number in numbers}
    home = {each[1:] for each in whole if len(each) == 11 and each[0] == "1"}
    return sorted(whole | home | {f"521{each[2:]}" for each in whole if len(each) == 12 and each[:2] == "52"})
