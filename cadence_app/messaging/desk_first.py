"""The first so many of a list, read inbox by inbox, so that no list is read whole to sort it.

A list is in the order of an index that each inbox has of its own; the first 51 of twenty inboxes are among
the first 51 of each. Without this PostgreSQL reads and sorts all conversations of all inboxes for a page of
them: 300,000 for a tab that has them all. Small tabs (a user's own, snoozed, flagged) are read as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.models import Conversation

Conditions = Sequence[ColumnElement[bool]]
Order = Callable[[Any], list[Any]]


def first_ids(
    user: User, inbox_id: int | None, which: Conditions, order: Order, most: int, offset: int = 0
) -> list[int]:
    """The ids of the first `most` after `offset` of those that are `which`, whose conditions are on
    Conversation and Inbox. `order` makes the order of what has the columns of a conversation."""
    first = _of_each(user, inbox_id, which, offset + most, order)
    return list(db.session.scalars(first.limit(most).offset(offset)))


def count_to(user: User, inbox_id: int | None, which: Conditions, most: int) -> int:
    """How many there are in all inboxes together; looks at no more than `most`."""
    listed = _of_each(user, inbox_id, which, most).limit(most).subquery()
    return db.session.scalars(select(func.count()).select_from(listed)).one()


def _of_each(
    user: User, inbox_id: int | None, which: Conditions, most: int, order: Order | None = None
) -> Select[int]:
    boxes = select(Inbox.id).where(visible_to(user))
    if inbox_id is not None:
        boxes = boxes.where(Inbox.id == inbox_id)
    # As a part of its own, or it would be joined with the inbox of each conversation.
    box = boxes.cte("box").prefix_with("MATERIALIZED")
    of_box = (
        select(Conversation.id, Conversation.listed_at, Conversation.waiting_since)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .where(Conversation.inbox_id == box.c.id, Contact.gone_at.is_(None), *which)
        .order_by(*(order(Conversation) if order else ()))
        .limit(most)
        .correlate(box)
        .lateral("first")
    )
    query = select(of_box.c.id).select_from(box).join(of_box, true())
    return query.order_by(*order(of_box.c)) if order else query
