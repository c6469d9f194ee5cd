"""Which texts are new to whom: what has come in, nobody has opened, and whose it is to read.

Read from the texts as they stand, so that nothing is written or waited for while a text is taken in. A
keyword that was acted on is no news: nobody need answer it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import contains_eager

from cadence_app.accounts.models import User
from cadence_app.consent.models import OptOutChange, Source
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.models import Conversation, Direction, Message

_Columns = TypeVarTuple("_Columns")
# How far back a sweep looks for what it has not told of: a text that took longer to be stored is in the desk
# all the same. migrations/versions/0058_telling.py has the same.
LOOKED_BACK = timedelta(minutes=5)
# A notice counts what is not opened of this long: the backlog of last week is no news.
COUNTED = timedelta(hours=1)
MOST_COUNTED = 1000


def unopened(since: datetime, until: datetime | None = None) -> list[ColumnElement[bool]]:
    """The conditions on Message, Conversation and Contact, joined, for what has come in since then and nobody
    has opened."""
    acted_on = exists().where(OptOutChange.message_id == Message.id, OptOutChange.source == Source.KEYWORD)
    conditions = [
        Message.direction == Direction.INBOUND,
        Message.opened_at.is_(None),
        Message.created_at > since,
        Conversation.unread > 0,
        Contact.gone_at.is_(None),
        ~acted_on,
    ]
    return [*conditions, Message.created_at <= until] if until else conditions


def for_user(query: Select[*_Columns], user: User) -> Select[*_Columns]:
    """A query of Message, held to the texts that are the user's to read: of an inbox they work in, assigned
    to them or to nobody."""
    return (
        query.join(Conversation, Conversation.id == Message.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(visible_to(user), or_(Conversation.assignee_id.is_(None), Conversation.assignee_id == user.id))
    )


def latest(user: User, inbox_id: int) -> list[Message]:
    """The texts of one inbox that a notice to this user counts, the newest first."""
    query = for_user(select(Message), user).where(
        Message.tenant_id == user.tenant_id,
        Conversation.inbox_id == inbox_id,
        *unopened(datetime.now(UTC) - COUNTED),
    )
    query = query.options(contains_eager(Message.conversation).contains_eager(Conversation.contact))
    return list(db.session.scalars(query.order_by(Message.id.desc()).limit(MOST_COUNTED)))


def waiting(user: User, since: datetime, until: datetime) -> list[tuple[str, int]]:
    """The user's inboxes, by name, with how many texts of after `since` and up to `until` wait to be
    opened."""
    counted = for_user(select(Inbox.name, func.count()).select_from(Message), user).where(
        Message.tenant_id == user.tenant_id, *unopened(since, until)
    )
    rows = db.session.execute(counted.group_by(Inbox.id, Inbox.name).order_by(Inbox.name))
    return [(name, count) for name, count in rows]
