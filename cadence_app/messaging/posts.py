"""Which of the posts that carriers brought are of a person: those that wait or could not be taken in, and
those that nobody could read."""

from __future__ import annotations

from sqlalchemy import ColumnElement, any_, false, func
from sqlalchemy.dialects.postgresql import array

from cadence_app.messaging.carriers.models import CarrierEvent, UnreadPost
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
