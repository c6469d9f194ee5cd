"""Where a user's own drafts are shown beside others' conversations: to them alone."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Row, and_, exists, select

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.draft_models import Draft, What
from cadence_app.messaging.drafts import has_words, lasts
from cadence_app.messaging.models import Conversation


def previews(user: User, conversation_ids: Collection[int]) -> dict[int, Draft]:
    """What the user has begun to write in these conversations, by their ids; of a text and a note the
    text."""
    query = (
        select(Conversation.id, Draft)
        .join(Draft, _of_conversation())
        .where(Conversation.id.in_(conversation_ids), Draft.user_id == user.id, has_words(), lasts())
        .order_by(Draft.what)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def to_people(user: User, begun: ColumnElement[bool]) -> list[Row[Draft, Contact, Inbox]]:
    """The user's texts to people with whom there is no conversation that a list shows (`begun` is the
    condition that there is one), the latest first."""
    listed = exists().where(_of_conversation(), begun)
    query = (
        select(Draft, Contact, Inbox)
        .join(Contact, Contact.id == Draft.contact_id)
        .join(Inbox, Inbox.id == Draft.inbox_id)
        .where(Draft.user_id == user.id, Draft.what == What.TEXT, has_words(), lasts())
        .where(visible_to(user), Contact.gone_at.is_(None), ~listed)
    )
    return list(db.session.execute(query.order_by(Draft.typed_at.desc()).limit(20)).all())


def _of_conversation() -> ColumnElement[bool]:
    return and_(Draft.contact_id == Conversation.contact_id, Draft.inbox_id == Conversation.inbox_id)
