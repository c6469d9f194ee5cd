"""An agent who presses Send and may take it back, for tests; and time that passes without anybody waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message
from cadence_app.messaging.sending import compose, deliver
from tests.world import Browser, World

HTMX = {"HX-Request": "true"}


def give_undo(world: World, seconds: int = 5, user_id: int | None = None) -> None:
    with world.session():
        db.session.get_one(User, user_id or world.agent_id).undo_seconds = seconds
        db.session.commit()


def press(world: World, conversation_id: int, body: str, user_id: int | None = None) -> int:
    """A text that a user has pressed Send for: its id."""
    with world.session():
        conversation = db.session.get_one(Conversation, conversation_id)
        message = compose(db.session.get_one(User, user_id or world.agent_id), conversation, body)
        db.session.commit()
        return message.id


def let_pass(world: World, seconds: float, *message_ids: int) -> None:
    """Lets the hold of these texts have begun so much earlier."""
    ago = timedelta(seconds=seconds)
    with world.session():
        db.session.execute(
            update(Message)
            .where(Message.id.in_(message_ids))
            .values(held_until=Message.held_until - ago, next_attempt_at=Message.next_attempt_at - ago)
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
