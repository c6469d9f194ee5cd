"""What a page of the desk says of the search and the filters that it was opened with: what is filtered, what
is marked, and at which text the conversation opens."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from flask import request

from cadence_app.contacts.models import Contact, Tag
from cadence_app.contacts.searching import tagged_so
from cadence_app.extensions import db
from cadence_app.messaging import desk
from cadence_app.messaging.desk_which import Only, Which, Whose
from cadence_app.messaging.models import Conversation
from cadence_app.ui import query_values
from cadence_app.words import Piece, asked, asked_of_names, marked

STATES = {
    Only.WAITING: "Needs a reply",
    Only.OPEN: "Open",
    Only.SNOOZED: "Snoozed",
    Only.DONE: "Done",
    Only.UNREAD: "Unread",
    Only.FLAGGED: "Possible opt out",
}


@dataclass(frozen=True)
class Filter:
    """One that is set, in words; `cleared` are the values of an address without it."""

    words: str
    cleared: dict[str, None]


@dataclass(frozen=True)
class OpenedAt:
    """The text or note that a search led to, and when it was written: none where none did. `mark` cuts a text
    where what was searched for begins and ends, None where nothing was."""

    message_id: int | None = None
    note_id: int | None = None
    at: datetime | None = None
    mark: Callable[[str], list[Piece]] | None = None


def filters_of(which: Which) -> list[Filter]:
    """What a list is narrowed by beside its inbox, its tab and its search."""
    made = []
    if which.person:
        made.append(Filter(f"Person: {which.person}", {"person": None}))
    if which.tag_id:
        tag = db.session.get(Tag, which.tag_id)
        made.append(Filter(f"Tag: {tag.name if tag else 'gone'}", {"tag": None}))
    if which.whose:
        whose = "me" if which.whose == Whose.MINE else "nobody"
        made.append(Filter(f"Assigned to {whose}", {"whose": None}))
    if (which.search or which.narrowed) and which.only in STATES:
        made.append(Filter(STATES[which.only], {"only": None}))
    return made


def name_pieces(which: Which) -> Callable[[Contact], list[Piece]]:
    """Gives the name of a contact as a row shows it, what was searched for marked."""
    phrases = [*asked_of_names(which.search), *asked_of_names(which.person)]
    return lambda contact: marked(contact.name, phrases)


def found_tags(which: Which, contact_ids: Collection[int]) -> dict[int, str]:
    """The tag by which a search found a contact of a row, by the contact's id."""
    found: dict[int, str] = {}
    for typed in filter(None, (which.search, which.person)):
        found |= tagged_so(typed, contact_ids)
    return found


def marking(search: str) -> Callable[[str], list[Piece]] | None:
    """Gives a text as the conversation shows it, what was searched for marked; None where nothing was."""
    phrases = asked(search)
    return partial(marked, phrases=phrases) if phrases else None


def opened(found: Conversation) -> OpenedAt:
    """Where the address of this request opens a conversation, and what it marks there."""
    message_id, note_id = (query_values.row_id(request.args, name) for name in ("text", "note"))
    at = desk.time_of(found, message_id, note_id)
    mark = marking(query_values.text(request.args, "q"))
    return OpenedAt(message_id, None if message_id else note_id, at, mark) if at else OpenedAt(mark=mark)
