"""Which of the posts that carriers brought are of a person: those that wait or could not be taken in, and
those that nobody could read."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import ColumnElement, any_, exists, false, func, select
from sqlalchemy.dialects.postgresql import array

from cadence_app.extensions import db
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadDecision, UnreadPost
from cadence_app.traces import Person

# What people and forms write between the digits of a number.
_BETWEEN_DIGITS = r"[\s().+\-]|%20|%28|%29|%2B"


def from_them(person: Person) -> ColumnElement[bool]:
    """The condition on posts with a text of one of their numbers."""
    theirs: ColumnElement[bool] = CarrierEvent.content["from_number"].astext.in_(person.numbers)
    return theirs


def names_them(person: Person) -> ColumnElement[bool]:
    """The condition on unread posts that have one of their numbers in them, however it is written: with or
    without its country, with spaces, dashes or parentheses."""
    endings = sorted({f"%{number.removeprefix('+')[-10:]}%" for number in person.numbers})
    if not endings:
        return false()
    written = UnreadPost.sender + " " + UnreadPost.words + " " + UnreadPost.content
    digits = func.regexp_replace(written, _BETWEEN_DIGITS, "", "g")
    named: ColumnElement[bool] = digits.like(any_(array(endings)))
    return named


def maybe_a_stop() -> ColumnElement[bool]:
    """The condition on unread posts that may be an opt out and that nobody has decided about."""
    return (UnreadPost.decision == UnreadDecision.OPEN) & UnreadPost.due_on.is_not(None)


def numbers_waiting(person: Person) -> list[str]:
    """Those of their numbers from which there may be a STOP that nobody has taken in, or read, yet."""
    waits = select(CarrierEvent.content["from_number"].astext).where(
        from_them(person), CarrierEvent.next_attempt_at.is_not(None)
    )
    found = set(db.session.scalars(waits))
    for number in person.numbers:
        of_number = names_them(replace(person, numbers=[number]))
        if db.session.scalar(select(exists().where(of_number, maybe_a_stop()))):
            found.add(number)
    return sorted(found)
