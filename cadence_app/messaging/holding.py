"""Texts that somebody pressed Send for wait: for the seconds in which they may take one back, and behind
those that were pressed before it in its conversation.

The row says when it is due, in `next_attempt_at`, and nothing else has to remember it. A hold ends by the
clock of the database alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind, MessageState

# A worker that lives has its carrier's answer within this time; later texts wait no longer for one that died.
LOST_SIGHT_OF = timedelta(seconds=30)
_GOING = (MessageState.QUEUED, MessageState.SENDING)


def typed(row: Any = Message) -> ColumnElement[bool]:
    """The condition that a person pressed Send for a text just then: no campaign's, no automatic one, none
    that was set for a time."""
    return and_(
        row.direction == Direction.OUTBOUND,
        row.kind == MessageKind.PERSON,
        row.by_hand,
        row.campaign_id.is_(None),
    )


def hold(user: User, conversation: Conversation, message: Message) -> None:
    """Has a text that a user pressed Send for wait for the seconds that they chose, and at least as long as
    those before it. The caller holds the contact, so that two presses come one after the other."""
    before = select(func.max(Message.held_until)).where(
        Message.conversation_id == conversation.id, Message.state.in_(_GOING), typed()
    )
    now, latest = db.session.execute(select(func.clock_timestamp(), before.scalar_subquery())).one()
    wanted = now + timedelta(seconds=user.undo_seconds)
    until = max(wanted, latest or wanted)
    if until > now:
        message.held_until = message.next_attempt_at = until


def in_turn() -> ColumnElement[bool]:
    """The condition on a queued text that it may go now: its time has come, and of its conversation no typed
    text from before it has yet to go. One that its carrier was too busy to take keeps its place."""
    before = aliased(Message)
    under_way = or_(
        before.state == MessageState.QUEUED, before.sending_since > func.clock_timestamp() - LOST_SIGHT_OF
    )
    first = (
        select(before.id)
        .where(
            before.conversation_id == Message.conversation_id,
            before.id < Message.id,
            before.state.in_(_GOING),
            typed(before),
            under_way,
        )
        .correlate(Message)
    )
    return and_(is_due(), or_(~typed(), ~first.exists()))


def is_due() -> ColumnElement[bool]:
    """The condition on a queued text that its time has come."""
    return or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= func.clock_timestamp())
