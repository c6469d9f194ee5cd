"""Notes in a conversation, for colleagues only. The caller commits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.service import people_in
from cadence_app.messaging import answering
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.models import Conversation

MAX_LENGTH = 4000


class NotTheirs(Exception):
    """Somebody else wrote the note, and the user is no admin."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a note; `mention`: it is an @ and a colleague's name."""

    text: str
    mention: bool


def add(user: User, conversation: Conversation, body: str) -> Note:
    """Writes a note. Who may see the conversation may see it, whatever its contact's status."""
    note = Note(
        tenant_id=conversation.tenant_id,
        conversation_id=conversation.id,
        user_id=user.id,
        body=body,
        mentions=_mentioned(body, people_in(conversation.inbox)),
    )
    db.session.add(note)
    db.session.flush()
    answering.list_it(conversation)
    return note


def find(conversation: Conversation, note_id: int) -> Note | None:
    return db.session.scalars(
        select(Note).where(Note.id == note_id, Note.conversation_id == conversation.id)
    ).one_or_none()


def may_delete(user: User, note: Note) -> bool:
    return user.is_admin or note.user_id == user.id


def delete(user: User, note: Note) -> None:
    """Deletes a note for good. Errors: NotTheirs."""
    if not may_delete(user, note):
        raise NotTheirs
    db.session.delete(note)


def pieces(note: Note) -> Iterator[Piece]:
    """A note's text cut where its mentions begin and end."""
    at = 0
    for found in _after_at(note.mentions).finditer(note.body) if note.mentions else ():
        if found.start() > at:
            yield Piece(note.body[at : found.start()], mention=False)
        yield Piece(found[0], mention=True)
        at = found.end()
    if at < len(note.body):
        yield Piece(note.body[at:], mention=False)


def _mentioned(body: str, people: Iterable[User]) -> list[str]:
    """The names after an @: a colleague's whole name, or a first name that one of them alone has."""
    names = [user.name for user in people if user.name]
    first_names = [name.split()[0] for name in names]
    names += [first for first in first_names if first_names.count(first) == 1]
    if not names or "@" not in body:
        return []
    return sorted({found[1] for found in _after_at(names).finditer(body)})


def _after_at(names: Iterable[str]) -> re.Pattern[str]:
    # The longest first: "Ada Byron" is no mention of "Ada". An @ inside a word is an address.
    longest = sorted(map(re.escape, names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)@({'|'.join(longest)})(?!\w)", re.IGNORECASE)
