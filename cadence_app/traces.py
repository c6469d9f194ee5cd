"""The register in which each area says itself what it keeps of a person: each table of its own with
something of them, what becomes of it at an erasure, at a removal by age and in a merge, and how it is handed
out.

An area registers in its traces.py. contacts/forgetting.py asks for erasing and removal, records/ for merging
and the download; none of them knows another area's tables. A test holds the register against the database's
own catalogue, and docs/records.md shows it as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from cadence_app.extensions import Model

# Who is asked in turn, always in this order, so that two who forget or merge never wait for each other.
# Consent comes last: what a merge makes of it depends on who they are by then.
AREAS = (
    *("contacts", "messaging", "campaigns", "notifications", "alerts", "reports", "retention", "api"),
    *("webhooks", "accounts", "consent"),
)
Rows = list[dict[str, Any]]


class Fate(StrEnum):
    """What becomes of a table's rows.

    WITH_RECORD: the database's remove_contacts() deletes them with the record, for they can't be without it;
    UNLINKED: it makes them nobody's. MOVED: they are the kept record's. ALONG: they stay with the
    conversation or text that they hang on. REFUSED: nothing is done while there is one.
    """

    DELETED = "deleted"
    EMPTIED = "emptied"
    WITH_RECORD = "with_record"
    UNLINKED = "unlinked"
    MOVED = "moved"
    ALONG = "along"
    REFUSED = "refused"
    STAYS = "stays"


@dataclass(frozen=True)
class Person:
    """Whom it is about: `ids` of contacts, the one asked for first, then those that were merged into it; the
    numbers (E.164, in every spelling) that are or were theirs and nobody else's by now, the same as `digits`
    in every way to write them, and their ContactIds and names (first and last), now or in the history."""

    ids: Sequence[int]
    numbers: Sequence[str]
    digits: Sequence[str]
    external_ids: Sequence[str]
    names: Sequence[str]


@dataclass(frozen=True)
class Leaving(Person):
    """Who is forgotten. `erased_by_id` is the user who erases them; None at a removal by age.
    `waiting_posts`: texts that a carrier brought and that are not taken in yet go, too."""

    erased_by_id: int | None
    waiting_posts: bool


@dataclass(frozen=True)
class Merging:
    """Two contacts, both held, of whom one is kept. `texted_id` is the one of both whose number is texted,
    `user_id` who merges them, `who` names the one who goes."""

    kept_id: int
    gone_id: int
    texted_id: int
    user_id: int
    who: str


@dataclass(frozen=True)
class StoredFile:
    """A file of the storage (files.py), and its place in the download."""

    key: str
    place: str


@dataclass(frozen=True)
class HandedOut:
    """What an area has of one person: rows by the name of the table in the download, what stands with the
    person there, and files."""

    tables: Mapping[str, Rows] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[StoredFile] = ()


@dataclass(frozen=True)
class Size:
    """How much of it there is: the rows that there may be too many of, and the bytes of files."""

    rows: int = 0
    file_bytes: int = 0


@dataclass(frozen=True)
class Kept:
    """A table with something of a person, and what becomes of its rows. `download` is the table of the
    download that has them, PERSON for what stands with the person there; empty where none has. `because` says
    why what stays does, with the legal reason, and why what is not handed out is not."""

    table: type[Model]
    erased: Fate
    aged: Fate
    merged: Fate
    download: str
    because: str = ""


PERSON = "person"


def _nothing_for(_: Any) -> None:
    """Nothing to be done."""


def _nothing_of(_: Person) -> HandedOut:
    return HandedOut()


def _no_size(_: Person) -> Size:
    return Size()


@dataclass(frozen=True)
class Traces:
    """What an area keeps, and what it does with it in the caller's transaction, which holds the contacts.

    `clear` takes away what the database does not find by the record, at an erasure and at a removal by age.
    `empty` does, at an erasure only, what remove_contacts() does for who is removed by age: it deletes or
    empties what hangs on the record, which stays. `move` gives what the one merged away has to the one kept.
    `told` says of each table of the download what it is.
    """

    area: str
    tables: Sequence[Kept]
    told: Mapping[str, str] = field(default_factory=dict)
    clear: Callable[[Leaving], None] = _nothing_for
    empty: Callable[[Leaving], None] = _nothing_for
    move: Callable[[Merging], None] = _nothing_for
    hand_out: Callable[[Person], HandedOut] = _nothing_of
    size: Callable[[Person], Size] = _no_size


_kept: dict[str, Traces] = {}


def register(traces: Traces) -> None:
    if traces.area not in AREAS:
        raise ValueError(f"{traces.area} has no turn among the areas")
    _kept[traces.area] = traces


def all_traces() -> list[Traces]:
    """Every area's, in their order."""
    return [_kept[area] for area in AREAS if area in _kept]


def instant(value: datetime | None) -> str:
    """An instant as the download has it: ISO 8601, UTC; empty for none."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if value else ""
