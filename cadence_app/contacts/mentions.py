"""Whether words that somebody wrote, or Cadence did, name a person, and the same words without them."""

from __future__ import annotations

import re
from dataclasses import replace

from markupsafe import escape

from cadence_app.traces import Person

IN_PLACE = "(erased)"
# What people write between the digits of a number.
_BETWEEN = r"[\s().\u2010-\u2015/-]*"


def mentions(person: Person, words: str) -> bool:
    """Whether one of their names, ContactIds or numbers stands there, the number in any usual spelling."""
    return without(person, words) != words


def looks_for(person: Person, search: str) -> bool:
    """Whether a search is for them alone: their whole name, or one of their ContactIds or numbers in it."""
    names = {name.casefold() for name in person.names}
    return search.strip().casefold() in names or mentions(replace(person, names=[]), search)


def without(person: Person, words: str) -> str:
    """The words, of plain text or of HTML, with IN_PLACE where they name the person."""
    for pattern in (_of_names(person), _of_numbers(person)):
        if pattern:
            words = pattern.sub(IN_PLACE, words)
    return words


def _of_names(person: Person) -> re.Pattern[str] | None:
    said = {*person.names, *person.external_ids}
    said |= {str(escape(each)) for each in said}
    return _any_of([re.escape(each) for each in said], r"\w")


def _of_numbers(person: Person) -> re.Pattern[str] | None:
    return _any_of([rf"\+?\(?{_BETWEEN.join(digits)}" for digits in person.digits], r"\d")


def _any_of(parts: list[str], inside: str) -> re.Pattern[str] | None:
    """The longest first, and none inside a longer word or number."""
    if not parts:
        return None
    ordered = "|".join(sorted(parts, key=len, reverse=True))
    return re.compile(rf"(?<!{inside})(?:{ordered})(?!{inside})", re.IGNORECASE)
