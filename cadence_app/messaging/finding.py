"""Search in Messages: which conversations have what was typed in a text, in a note, or as their person, and
what of it a row and the open conversation show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from cadence_app.accounts.models import User
from cadence_app.contacts.searching import ids_like
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.desk_rows import who_wrote
from cadence_app.messaging.models import Conversation, Message
from cadence_app.words import Piece, asked, excerpt

# So many texts, and conversations of people who match, are looked at, the latest; past that somebody has to
# say more.
MOST = 1000
_SAID = (
    text("SELECT * FROM find_said(:search, :inboxes, :within, :most)")
    .bindparams(
        bindparam("inboxes", type_=ARRAY(BigInteger)),
        bindparam("within", type_=ARRAY(BigInteger)),
        bindparam("most", type_=Integer),
    )
    .columns(conversation_id=BigInteger, message_id=BigInteger, note_id=BigInteger)
)


@dataclass(frozen=True)
class Place:
    """Where a search found something: a text, or else a note."""

    message_id: int | None
    note_id: int | None


@dataclass(frozen=True)
class Found:
    """The conversations that a search found, and of each in which it is said, the latest place. `more`: there
    are further texts or people, which were not looked at."""

    ids: frozenset[int]
    places: dict[int, Place]
    more: bool


@dataclass(frozen=True)
class Shown:
    """What a row shows of what was found: who wrote it, empty for the contact, and the words around it."""

    place: Place
    who: str
    pieces: Sequence[Piece]

    @property
    def anchor(self) -> str:
        """Where it stands in the open conversation."""
        if self.place.message_id:
            return f"text-{self.place.message_id}"
        return f"note-{self.place.note_id}"


def find(user: User, search: str, inbox_id: int | None, within: Sequence[int] | None) -> Found:
    """What a user may see of it; in one inbox or all of theirs, in these conversations or all."""
    query = select(Inbox.id).where(visible_to(user))
    if inbox_id is not None:
        query = query.where(Inbox.id == inbox_id)
    inboxes = list(db.session.scalars(query))
    values = {"search": search, "inboxes": inboxes, "within": within, "most": MOST + 1}
    said = db.session.execute(_SAID, values).all()
    places: dict[int, Place] = {}
    for row in said[:MOST]:
        places.setdefault(row.conversation_id, Place(row.message_id, row.note_id))
    theirs = select(Conversation.id).where(
        Conversation.contact_id.in_(ids_like(search, MOST)), Conversation.inbox_id.in_(inboxes)
    )
    if within is not None:
        theirs = theirs.where(Conversation.id.in_(within))
    latest = theirs.order_by(Conversation.last_message_at.desc(), Conversation.id.desc()).limit(MOST + 1)
    named = db.session.scalars(latest).all()
    return Found(frozenset(places) | frozenset(named[:MOST]), places, len(said) > MOST or len(named) > MOST)


def shown(search: str, places: dict[int, Place]) -> dict[int, Shown]:
    """What rows show, by the conversation's id."""
    texts = (
        select(
            *(Message.id, Message.body, Message.direction, Message.kind, Message.campaign_id),
            *(Message.user_id, User.name.label("user")),
        )
        .outerjoin(User, User.id == Message.user_id)
        .where(Message.id.in_([each.message_id for each in places.values() if each.message_id]))
    )
    notes = select(Note.id, Note.body).where(
        Note.id.in_([each.note_id for each in places.values() if each.note_id])
    )
    of_texts = {row.id: row for row in db.session.execute(texts)}
    of_notes = {row.id: row.body for row in db.session.execute(notes)}
    phrases, made = asked(search), {}
    for conversation_id, place in places.items():
        if row := of_texts.get(place.message_id or 0):
            made[conversation_id] = Shown(place, who_wrote(row), excerpt(row.body, phrases))
        elif (body := of_notes.get(place.note_id or 0)) is not None:
            made[conversation_id] = Shown(place, "Note", excerpt(body, phrases))
    return made
