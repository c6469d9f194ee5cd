"""Texts on their way through senders, and carriers that they meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import select, update

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import outcomes, sender
from cadence_app.messaging.calling import call
from cadence_app.messaging.conversations import add_message, conversation_with
from cadence_app.messaging.models import Direction, Message, MessageKind, MessageState
from tests.campaigns.sending import always_open
from tests.world import World


def carried_by(world: World, provider: str, texts_per_second: int = 10_000) -> None:
    always_open(world)
    with world.session():
        values = {"provider": provider, "texts_per_second": texts_per_second, "next_text_at": None}
        db.session.execute(update(Inbox).values(values))
        db.session.commit()


def queue(world: World, contact_ids: list[int], kind: MessageKind = MessageKind.PERSON) -> list[int]:
    """A text to each, as the desk or a keyword leaves it."""
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        by = {"user_id": world.agent_id} if kind == MessageKind.PERSON else {}
        texts = [
            add_message(
                conversation_with(inbox, contact_id),
                Message(
                    direction=Direction.OUTBOUND, kind=kind, body="Hello", state=MessageState.QUEUED, **by
                ),
            )
            for contact_id in contact_ids
        ]
        db.session.commit()
        return [text.id for text in texts]


def texts_of(world: World, message_ids: list[int]) -> list[Message]:
    with world.session():
        query = select(Message).where(Message.id.in_(message_ids)).order_by(Message.id)
        rows = list(db.session.scalars(query))
        db.session.expunge_all()
        return rows


def states(world: World, message_ids: list[int]) -> set[str]:
    return {text.state for text in texts_of(world, message_ids)}


def take_and_send(world: World, room: int = 1000) -> int:
    """One look of a sender, and what came of it; how many texts of this tenant's it took."""
    with world.app.app_context():
        taken = sender.take_due(room)
        outcomes.note([call(text) for text in taken])
        return len([text for text in taken if text.tenant_id == world.tenant_id])


@contextmanager
def sending(world: World, senders: int = 1) -> Iterator[list[sender.Sender]]:
    """Senders that run beside the test."""
    with world.app.app_context():
        running = [sender.Sender() for _ in range(senders)]

    def run(one: sender.Sender) -> None:
        with world.app.app_context():
            one.send()

    threads = [threading.Thread(target=run, args=(one,)) for one in running]
    for thread in threads:
        thread.start()
    try:
        yield running
    finally:
        for one in running:
            one.stop()
        for thread in threads:
            thread.join(30)


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
