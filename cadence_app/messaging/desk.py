"""What the Messages view shows: the inboxes of a user, their conversations, a thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, update
from sqlalchemy.orm import contains_eager, joinedload

from cadence_app.accounts.models import User
from cadence_app.consent.models import Consent, Decision, PossibleOptOut
from cadence_app.contacts.models import Contact
from cadence_app.contacts.service import matches
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.later import OPEN
from cadence_app.messaging.models import Conversation, Direction, Message, ScheduledText

PAGE = 50
# The texts of a conversation that are shown.
THREAD_LENGTH = 200
_OPEN_FLAG = (
    (PossibleOptOut.contact_id == Conversation.contact_id)
    & (PossibleOptOut.team_id == Inbox.team_id)
    & (PossibleOptOut.decision == Decision.OPEN)
)


@dataclass(frozen=True)
class Page:
    """Conversations with the status of their contact and the day by which a possible opt out must be decided,
    both None where there is none; `more` if there are further ones."""

    rows: list[Row[Conversation, str | None, date | None]]
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


class Only(StrEnum):
    """Which conversations: all, those with unread texts, those that are the user's own, those of shared
    inboxes that are nobody's, or those with a possible opt out to decide."""

    ALL = ""
    UNREAD = "unread"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    FLAGGED = "flagged"


def conversations(user: User, inbox_id: int | None, search: str, only: Only, page: int) -> Page:
    """A user's conversations, of one inbox or all, whose contact, text or note matches a search: the latest
    first, but the flagged ones by the day they are due."""
    query: Select[Conversation, str, date] = (
        select(Conversation, Consent.status, PossibleOptOut.due_on)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .outerjoin(
            Consent, (Consent.contact_id == Conversation.contact_id) & (Consent.team_id == Inbox.team_id)
        )
        .outerjoin(PossibleOptOut, _OPEN_FLAG)
        .options(contains_eager(Conversation.inbox), contains_eager(Conversation.contact))
        .options(joinedload(Conversation.assignee))
        .where(visible_to(user), Contact.gone_at.is_(None), begun())
    )
    if inbox_id is not None:
        query = query.where(Conversation.inbox_id == inbox_id)
    if only == Only.UNREAD:
        query = query.where(Conversation.unread > 0)
    if only == Only.MINE:
        query = query.where(Conversation.assignee_id == user.id)
    if only == Only.UNASSIGNED:
        query = query.where(Conversation.assignee_id.is_(None), Inbox.kind == InboxKind.SHARED)
    if only == Only.FLAGGED:
        query = query.where(PossibleOptOut.id.is_not(None)).order_by(PossibleOptOut.due_on)
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
        .join(Conversation.contact)
        .where(Conversation.id == conversation_id, visible_to(user), Contact.gone_at.is_(None))
        .options(contains_eager(Conversation.inbox))
    ).one_or_none()


def conversations_with(user: User, contact: Contact) -> list[Conversation]:
    """A contact's conversations that a user may read, newest first."""
    return list(
        db.session.scalars(
            select(Conversation)
            .join(Conversation.inbox)
            .where(Conversation.contact_id == contact.id, visible_to(user), begun())
            .options(contains_eager(Conversation.inbox))
            .order_by(Conversation.last_message_at.desc())
        )
    )


def thread(conversation: Conversation, limit: int = THREAD_LENGTH) -> list[Message]:
    """The latest texts of a conversation, oldest first."""
    latest = (
        select(Message)
        .where(Message.conversation_id == conversation.id)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(reversed(db.session.scalars(latest).all()))


def readable(user: User, message_ids: set[int]) -> set[int]:
    """Those of these texts that are in an inbox the user works in."""
    if not message_ids:
        return set()
    query = (
        select(Message.id)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(Message.id.in_(message_ids), visible_to(user))
    )
    return set(db.session.scalars(query))


def flagged_count(user: User) -> int:
    """How many of a user's conversations have a possible opt out to decide."""
    query = (
        select(func.count())
        .select_from(Conversation)
        .join(Conversation.inbox)
        .join(PossibleOptOut, _OPEN_FLAG)
        .where(visible_to(user))
    )
    return db.session.scalars(query).one()


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


def mark_unread(conversation: Conversation) -> None:
    """Puts a conversation back among those with unread texts. When its texts were first opened stays, so no
    report counts them as unread. Commits."""
    db.session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id)
        .values(unread=func.greatest(Conversation.unread, 1))
    )
    db.session.commit()


def begun() -> ColumnElement[bool]:
    """The condition on conversations that there is anything in one: what was made for a text of a later time
    is empty once that is cancelled."""
    # Each of at most one row, so that it is read for the conversations of a page and never for all.
    inside: list[ColumnElement[bool]] = []
    for table, more in ((Message, ()), (Note, ()), (ScheduledText, (ScheduledText.state.in_(OPEN),))):
        there = select(table.id).where(table.conversation_id == Conversation.id, *more)
        inside.append(there.limit(1).correlate(Conversation).scalar_subquery().is_not(None))
    return or_(*inside)


def _says(search: str) -> ColumnElement[bool]:
    said = select(Message.id).where(
        Message.conversation_id == Conversation.id, Message.body.icontains(search, autoescape=True)
    )
    noted = select(Note.id).where(
        Note.conversation_id == Conversation.id, Note.body.icontains(search, autoescape=True)
    )
    return said.exists() | noted.exists()
