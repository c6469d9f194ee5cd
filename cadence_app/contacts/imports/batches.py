"""What the parts of an import that work in batches share: the order, what a batch did, and another try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import TypeVar

from psycopg.errors import DeadlockDetected, UniqueViolation
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.models import User
from cadence_app.extensions import db

# A batch is tried again where somebody else made or changed one of its contacts between two statements.
_TRIES = 10
_Did = TypeVar("_Did")


class Overtaken(Exception):
    """Somebody else made or changed one of the batch's contacts meanwhile."""


@dataclass(frozen=True)
class Evidence:
    """How the people of a file agreed, beside what its rows say: the file's name, and what a person signed
    for the rows that say nothing, with the day where one was given; empty where nobody signed."""

    file_name: str
    statement: str = ""
    statement_on: date | None = None


@dataclass(frozen=True)
class Order:
    """What is applied: whose import, when it was started, whether it lifts people's own stops and for which
    reason; `agreed_reason` is that of the rows that are ticked as agreed. `dated` is
    whether its file says since when each status is, `says_out` whether any of its rows says opt out.
    `evidence` is what is said of how its people agreed; None for nothing."""

    import_id: int
    user: User
    begun_at: datetime
    lifts_stops: bool = False
    stop_reason: str = ""
    dated: bool = False
    says_out: bool = True
    agreed_reason: str = ""
    evidence: Evidence | None = None


@dataclass
class Applied:
    """What a batch did: how many rows of each result, statuses changed, opt ins held, and of both sorts of
    statuses those that another row (`outvoted`) or a newer stored one (`older`) kept from being applied; and
    rows of evidence that were recorded, with those of them that no consent rests on (`idle`)."""

    results: Counter[str] = field(default_factory=Counter)
    statuses: int = 0
    held: int = 0
    outvoted: int = 0
    older: int = 0
    evidence: int = 0
    idle: int = 0

    def __add__(self, other: Applied) -> Applied:
        return Applied(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Applied)))


def retried(work: Callable[[], _Did]) -> _Did:
    """Does a batch's work, from its beginning where somebody came between. Errors: Overtaken, and whatever
    the database raises."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except Overtaken:
            db.session.rollback()
        except DBAPIError as error:
            db.session.rollback()
            if not isinstance(error.orig, UniqueViolation | DeadlockDetected):
                raise
    return work()
