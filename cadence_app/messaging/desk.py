"""What the Messages view shows: the inboxes of a user, their conversations, a thread."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, update
from sqlalchemy.orm import contains_eager

from cadence_app.accounts.models import User
from cadence_app.consent.models import Consent
from cadence_app.contacts.models import Contact
from cadence_app.contacts.service import matches
from cadence_app.extensions import db
from cadence_app.messaging.inboxes import visible_to
from cadence_app.messaging.models import Conversation, Direction, Inbox, Message

PAGE = 50


@dataclass(frozen=True)
class Page:
    """Conversations with the status of their contact, newest first; `more` if there are older ones."""

    rows: list[Row[Conversation, str]]
    more: bool


def inboxes_of(user: User) -> list[Row[Inbox, int]]:
    """The inboxes a user works in, each with its number of unread texts."""
    unread = func.coalesce(func.sum(Conversation.unread), 0).label("unread")
    query = (
        select(Inbox, unread)
        .outerjoin(Conversation, Conversation.inbox_id == Inbox.id)
        .where(visible_to(user))
        .group_by(Inbox.id)
        .order_by(Inbox.kind.desc(), Inbox.name)
    )
    return list(db.session.execute(query).all())


def conversations(user: User, inbox_id: int | None, search: str, unread_only: bool, page: int) -> Page:
    """A user's conversations, of one inbox or all, whose contact or text matches a search."""
    query: Select[Conversation, str] = (
        select(Conversation, Consent.status)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .outerjoin(
            Consent, (Consent.contact_id == Conversation.contact_id) & (Consent.team_id == Inbox.team_id)
        )
        .options(contains_eager(Conversation.inbox), contains_eager(Conversation.contact))
        .where(visible_to(user))
    )
    if inbox_id is not None:
        query = query.where(Conversation.inbox_id == inbox_id)
    if unread_only:
        query = query.where(Conversation.unread > 0)
    if search:
        query = query.where(or_(matches(search), _says(search)))
    query = query.order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
    rows = db.session.execute(query.limit(PAGE + 1).offset((page - 1) * PAGE)).all()
    return Page(list(rows[:PAGE]), len(rows) > PAGE)


def find_conversation(user: User, conversation_id: int) -> Conversation | None:
    """A conversation in one of the user's inboxes."""
    return db.session.scalars(
        select(Conversation)
        .join(Conversation.inbox)
        .where(Conversation.id == conversation_id, visible_to(user))
        .options(contains_eager(Conversation.inbox))
    ).one_or_none()


def conversations_with(user: User, contact: Contact) -> list[Conversation]:
    """A contact's conversations that a user may read, newest first."""
    return list(
        db.session.scalars(
            select(Conversation)
            .join(Conversation.inbox)
            .where(Conversation.contact_id == contact.id, visible_to(user))
            .options(contains_eager(Conversation.inbox))
            .order_by(Conversation.last_message_at.desc())
        )
    )


def thread(conversation: Conversation, limit: int = 200) -> list[Message]:
    """The latest texts of a conversation, oldest first."""
    latest = (
        select(Message)
        .where(Message.conversation_id == conversation.id)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(reversed(db.session.scalars(latest).all()))


def version_of(conversation: Conversation) -> str:
    """Changes whenever the thread or the contact's status does: what an open page asks for to stay fresh."""
    texts = select(func.count(), func.max(Message.id), func.count().filter(Message.state == "queued")).where(
        Message.conversation_id == conversation.id
    )
    count, newest, queued = db.session.execute(texts).one()
    change = db.session.scalar(
        select(Consent.change_id).where(
            Consent.contact_id == conversation.contact_id, Consent.team_id == conversation.inbox.team_id
        )
    )
    return f"{count}-{newest}-{queued}-{change}"


def mark_read(conversation: Conversation) -> None:
    """Somebody has the conversation before them: nobody need open its texts any more, and those opened for
    the first time keep that moment for good. Commits."""
    # The counter first: a text that is coming in holds its row, so the second statement sees that text too.
    db.session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id, Conversation.unread > 0)
        .values(unread=0)
    )
    db.session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.direction == Direction.INBOUND,
            Message.opened_at.is_(None),
        )
        .values(opened_at=func.clock_timestamp())
    )
    db.session.commit()


def _says(search: str) -> ColumnElement[bool]:
    said = select(Message.id).where(
        Message.conversation_id == Conversation.id, Message.body.icontains(search, autoescape=True)
    )
    return said.exists()
