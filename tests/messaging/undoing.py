"""An agent who presses Send and may take it back, for tests; and time that passes without anybody waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message, MessageState
from cadence_app.messaging.sending import compose, deliver
from tests.world import Browser, World

HTMX = {"HX-Request": "true"}


def give_undo(world: World, seconds: int = 5, user_id: int | None = None) -> None:
    with world.session():
        db.session.get_one(User, user_id or world.agent_id).undo_seconds = seconds
        db.session.commit()


def press(
    world: World, conversation_id: int, body: str, user_id: int | None = None, *, stays: bool = True
) -> int:
    """A text that a user has pressed Send for: its id. It `stays` held until let_pass(), however slow the
    machine is."""
    with world.session():
        conversation = db.session.get_one(Conversation, conversation_id)
        message = compose(db.session.get_one(User, user_id or world.agent_id), conversation, body)
        db.session.commit()
        if stays and message.held_until:
            message.held_until = message.next_attempt_at = message.held_until + timedelta(hours=1)
            db.session.commit()
        return message.id


def let_pass(world: World, seconds: float, *message_ids: int) -> None:
    """Lets the hold of these texts, of five seconds, have begun so many seconds ago."""
    ended = func.clock_timestamp() - timedelta(seconds=seconds - 5)
    with world.session():
        db.session.execute(
            update(Message)
            .where(Message.id.in_(message_ids), Message.state == MessageState.QUEUED)
            .values(held_until=ended, next_attempt_at=ended)
        )
        db.session.commit()


def goes(world: World, message_id: int) -> bool:
    """Whether a worker that is given the text takes it."""
    with world.session():
        return deliver(message_id)


def seconds_left(world: World, message_id: int) -> float:
    with world.session():
        left = func.extract("epoch", Message.held_until - func.clock_timestamp())
        return float(db.session.scalars(select(left).where(Message.id == message_id)).one())


def url(conversation_id: int, message_id: int, what: str = "undo") -> str:
    return f"/messages/conversations/{conversation_id}/texts/{message_id}/{what}"


def undo(browser: Browser, conversation_id: int, message_id: int, **form: Any) -> Any:
    return browser.post(url(conversation_id, message_id), form, headers=HTMX)


def send_now(browser: Browser, conversation_id: int, message_id: int, **form: Any) -> Any:
    return browser.post(url(conversation_id, message_id, "send-now"), form, headers=HTMX)
