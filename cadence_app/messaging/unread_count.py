"""How many texts wait for a user, as Messages, the title of the tab, its icon and notices say.

Those of contacts that nobody has opened yet, in conversations that are the user's own or nobody's, in open
inboxes that they work in.
"""

from __future__ import annotations

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import seen_by
from cadence_app.messaging.models import Conversation

# Nobody counts on: as many and more are told as "99+".
MOST = 100


def waiting_for(user: User) -> int:
    """How many texts wait for this user, MOST for as many or more; none for who does not work at the desk."""
    return db.session.scalars(select(waiting_at(user.id))).one() if user.works_desk else 0


def in_words(texts: int) -> str:
    """As it is shown: "3", "99+", and nothing for none."""
    return f"{MOST - 1}+" if texts >= MOST else str(texts or "")


def waiting_at(user_id: int | InstrumentedAttribute[int]) -> ScalarSelect[int]:
    """The same as a part of a query, by the id of somebody who works at the desk, or by `User.id`."""
    # Each has a text at least, so as many conversations are enough. The index is of those that have one.
    waiting = (
        select(Conversation.unread)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .where(
            Conversation.unread > 0,
            or_(Conversation.assignee_id.is_(None), Conversation.assignee_id == user_id),
            seen_by(user_id),
            Inbox.closed_at.is_(None),
            Contact.gone_at.is_(None),
        )
        .limit(MOST)
        .correlate(User)
        .subquery()
    )
    return select(func.least(func.coalesce(func.sum(waiting.c.unread), 0), MOST)).scalar_subquery()
