"""What messaging hands out of a person: their texts with their files, texts set for later, what users wrote
beside them, and posts of carriers with their number that could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import posts
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadPost
from cadence_app.messaging.desk_models import AssignmentChange, Note, StateChange
from cadence_app.messaging.media.models import MediaState, MessageMedia
from cadence_app.messaging.models import Conversation, Message, ScheduledText
from cadence_app.traces import HandedOut, Person, Rows, Size, StoredFile, instant

TOLD = {
    "texts": "every text either way",
    "files": "what came or went with them (the folder files has the files themselves)",
    "texts_set_for_later": "those that were written ahead",
    "notes": "what users wrote to each other beside the texts",
    "assignments": "which user had which of their conversations",
    "done_and_snoozed": "when their conversations were marked done or snoozed, and by whom",
    "carrier_posts": "what carriers brought from their number and nobody could take in or read",
}

_Files = Sequence[tuple[MessageMedia, Message]]


def hand_out(person: Person) -> HandedOut:
    """What there is; the caller has asked size_of()."""
    files = _files(person)
    return HandedOut(
        {
            "texts": _texts(person),
            "files": _file_rows(files),
            "texts_set_for_later": _later(person),
            "notes": _notes(person),
            "assignments": _assignments(person),
            "done_and_snoozed": _done_and_snoozed(person),
            "carrier_posts": _carrier_posts(person),
        },
        files=[StoredFile(media.file_key, _place(media)) for media, _ in files if _stored(media)],
    )


def size_of(person: Person) -> Size:
    """Their texts, and how large the stored files are together."""
    texts = select(func.count()).select_from(Message).join(Message.conversation)
    sizes = select(func.coalesce(func.sum(MessageMedia.size), 0)).select_from(MessageMedia)
    stored = _of_texts(sizes, person)
    return Size(
        db.session.scalars(texts.where(Conversation.contact_id.in_(person.ids))).one(),
        int(db.session.scalars(stored.where(MessageMedia.state == MediaState.STORED)).one() or 0),
    )


def _texts(person: Person) -> Rows:
    query = (
        select(Message, Inbox.name, Inbox.number, User.name)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .outerjoin(User, User.id == Message.user_id)
        .where(Conversation.contact_id.in_(person.ids))
        .order_by(Message.created_at, Message.id)
    )
    return [
        {
            "at": instant(message.created_at),
            "direction": message.direction,
            "text": message.body,
            "state": message.state,
            "note": message.detail,
            "inbox": inbox,
            "inbox_number": number,
            "other_number": message.other_number or "",
            "by": by or "",
        }
        for message, inbox, number, by in db.session.execute(query)
    ]


def _files(person: Person) -> _Files:
    """Each file with its text, oldest text first."""
    query = _of_texts(select(MessageMedia, Message).select_from(MessageMedia), person)
    ordered = query.order_by(Message.created_at, Message.id, MessageMedia.position)
    return [(media, message) for media, message in db.session.execute(ordered)]


def _file_rows(found: _Files) -> Rows:
    """The table of files; `file` is where one is in the ZIP."""
    return [
        {
            "at": instant(message.created_at),
            "direction": message.direction,
            "text": message.body,
            "name": media.file_name,
            "type": media.content_type,
            "size": media.size,
            "sha256": media.sha256,
            "state": media.state,
            "problem": media.problem,
            "file": _place(media) if _stored(media) else "",
        }
        for media, message in found
    ]


def _stored(media: MessageMedia) -> bool:
    return media.state == MediaState.STORED


def _place(media: MessageMedia) -> str:
    # Not by the name that somebody gave it, which may be anything.
    return f"files/{media.id}{media.ending}"


def _of_texts(query: Any, person: Person) -> Any:
    """A query over files, as one of those of their texts."""
    return (
        query.join(Message, Message.id == MessageMedia.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.contact_id.in_(person.ids))
    )


def _later(person: Person) -> Rows:
    query = (
        select(ScheduledText, User.name)
        .join(User, User.id == ScheduledText.user_id)
        .join(Conversation, Conversation.id == ScheduledText.conversation_id)
        .where(Conversation.contact_id.in_(person.ids))
        .order_by(ScheduledText.id)
    )
    return [
        {"for": instant(each.send_at), "text": each.body, "state": each.state, "by": by}
        for each, by in db.session.execute(query)
    ]


def _notes(person: Person) -> Rows:
    query = (
        select(Note, Inbox.name, User.name)
        .join(User, User.id == Note.user_id)
        .join(Conversation, Conversation.id == Note.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .where(Conversation.contact_id.in_(person.ids))
        .order_by(Note.created_at, Note.id)
    )
    return [
        {"at": instant(note.created_at), "note": note.body, "inbox": inbox, "by": by}
        for note, inbox, by in db.session.execute(query)
    ]


def _assignments(person: Person) -> Rows:
    query = (
        select(AssignmentChange, Inbox.name)
        .join(Conversation, Conversation.id == AssignmentChange.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .where(Conversation.contact_id.in_(person.ids))
        .order_by(AssignmentChange.created_at, AssignmentChange.id)
    )
    return [
        {
            "at": instant(change.created_at),
            "inbox": inbox,
            "from": change.before.name if change.before else "",
            "to": change.after.name if change.after else "",
            "by": change.user.name if change.user else "",
        }
        for change, inbox in db.session.execute(query)
    ]


def _done_and_snoozed(person: Person) -> Rows:
    query = (
        select(StateChange, Inbox.name)
        .join(Conversation, Conversation.id == StateChange.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .where(Conversation.contact_id.in_(person.ids))
        .order_by(StateChange.created_at, StateChange.id)
    )
    return [
        {
            "at": instant(change.created_at),
            "inbox": inbox,
            "state": str(change.after),
            "until": instant(change.until) if change.until else "",
            "by": change.user.name if change.user else "",
            "undone": instant(change.undone_at) if change.undone_at else "",
        }
        for change, inbox in db.session.execute(query)
    ]


def _carrier_posts(person: Person) -> Rows:
    waiting = select(CarrierEvent).where(posts.from_them(person)).order_by(CarrierEvent.id)
    unread = select(UnreadPost).where(posts.names_them(person)).order_by(UnreadPost.id)
    rows = [
        {
            "at": instant(event.arrived_at),
            "from": event.content["from_number"],
            "text": event.content.get("body", ""),
            "post": "",
            "problem": event.problem,
        }
        for event in db.session.scalars(waiting)
    ]
    return rows + [
        {
            "at": instant(post.arrived_at),
            "from": post.sender,
            "text": post.words,
            "post": post.content,
            "problem": post.why,
        }
        for post in db.session.scalars(unread)
    ]
