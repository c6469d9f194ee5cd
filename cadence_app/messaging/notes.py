"""Notes in a conversation, for colleagues only. The caller commits."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.service import people_in
from cadence_app.messaging import answering, for_me
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
    mentioned = mentioned_in(body, people_in(conversation.inbox))
    note = Note(
        tenant_id=conversation.tenant_id,
        conversation_id=conversation.id,
        user_id=user.id,
        body=body,
        mentions=sorted(mentioned),
    )
    db.session.add(note)
    db.session.flush()
    answering.list_it(conversation)
    for_me.mentioned(note, {person.id for people in mentioned.values() for person in people})
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


def mentioned_in(body: str, people: Iterable[User]) -> dict[str, list[User]]:
    """The names after an @ as they are written there, and whose they are: a colleague's whole name, or a
    first name that one of them alone has. All who share a whole name are meant, for all of them work here and
    the writer can't tell them apart."""
    whole: dict[str, list[User]] = defaultdict(list)
    first: dict[str, list[User]] = defaultdict(list)
    for person in people:
        if person.name:
            whole[person.name.lower()].append(person)
            first[person.name.split()[0].lower()].append(person)
    bearers = {name: them for name, them in first.items() if len(them) == 1} | whole
    if not bearers or "@" not in body:
        return {}
    # As people spell themselves: a letter may be of another length in small.
    spelled = {person.name for them in whole.values() for person in them}
    spelled |= {name.split()[0] for name in spelled if name.split()[0].lower() in bearers}
    found = {found[1] for found in _after_at(spelled).finditer(body)}
    return {written: bearers.get(written.lower(), []) for written in found}


def _after_at(names: Iterable[str]) -> re.Pattern[str]:
    # The longest first: "Ada Byron" is no mention of "Ada". An @ inside a word is an address.
    longest = sorted(map(re.escape, names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)@({'|'.join(longest)})(?!\w)", re.IGNORECASE)
