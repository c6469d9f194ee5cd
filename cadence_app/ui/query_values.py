"""One value of an address or a form that no form class looks at. Whatever somebody sends, what comes back is
a value that the database takes.

Form classes have fields of their own for this (form_fields.py).
"""

from __future__ import annotations

from datetime import date

from werkzeug.datastructures import MultiDict

from cadence_app.database_text import storable
from cadence_app.form_fields import FIRST_DAY, LAST_DAY

LARGEST_ID = 2**63 - 1
_LONGEST = 200
_LAST_PAGE = 10_000

Given = MultiDict[str, str]


def text(given: Given, name: str, longest: int | None = _LONGEST) -> str:
    """A text without space around it and without NUL, which PostgreSQL stores in none; empty where there is
    none. What goes past `longest` characters is cut off, unless that is None."""
    return storable(given.get(name, "")).strip()[:longest]


def row_id(given: Given, name: str) -> int | None:
    """An id that a row may have; None for none, and for what can be none."""
    found = given.get(name, type=int)
    return found if found is not None and 0 < found <= LARGEST_ID else None


def row_ids(given: Given, name: str, most: int) -> list[int]:
    """As row_id(), of a name that may come many times: the first `most`."""
    return [each for each in given.getlist(name, type=int)[:most] if 0 < each <= LARGEST_ID]


def page(given: Given) -> int:
    """Which page of a list, from 1."""
    return min(max(given.get("page", 1, type=int), 1), _LAST_PAGE)


def day(given: Given, name: str) -> date | None:
    """A day, where one is given that a day's field would take (form_fields.py)."""
    found = given.get(name, type=date.fromisoformat)
    return found if found is not None and FIRST_DAY <= found <= LAST_DAY else None
