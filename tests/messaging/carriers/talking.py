"""A conversation through a carrier, in which an agent texts a contact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from cadence_app.accounts.models import User
from cadence_app.consent.may_text import Bar, Kind
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import bars
from cadence_app.messaging.jobs import sweep_lost_texts
from cadence_app.messaging.models import Conversation, Message, MessageKind
from cadence_app.messaging.sender import send_due
from cadence_app.messaging.sending import compose, deliver, refusal
from tests.messaging.carriers.posting import Line
from tests.world import new_number


class Talk:
    """A conversation of a contact at the line's inbox, whom an agent texts."""

    def __init__(self, line: Line) -> None:
        self.line, self.world, self.number = line, line.world, new_number()
        line.text(self.number, "Hello")
        self.contact_id = self.world.contact_id(self.number)

    def send(self, body: str = "Hello back") -> Message:
        return self.state(self.deliver(self.compose(body)))

    def compose(self, body: str = "Hello back") -> int:
        with self.world.session():
            conversation = db.session.scalars(
                select(Conversation).where(Conversation.contact_id == self.contact_id)
            ).one()
            message = compose(db.session.get_one(User, self.world.agent_id), conversation, body)
            db.session.commit()
            return message.id

    def deliver(self, message_id: int) -> int:
        with self.world.session():
            deliver(message_id)
        return message_id

    def state(self, message_id: int) -> Message:
        with self.world.session():
            message = db.session.get_one(Message, message_id)
            db.session.expunge(message)
            return message

    def let_pass(self, message_id: int, **time: float) -> None:
        """Lets a text have been sending, and waiting for its next try, for some time; then sweeps."""
        with self.world.session():
            ago = datetime.now(UTC) - timedelta(**time)
            db.session.execute(
                update(Message)
                .where(Message.id == message_id)
                .values(sending_since=ago, created_at=ago, next_attempt_at=None)
            )
            db.session.execute(update(Inbox).values(next_text_at=None))
            db.session.commit()
        with self.world.app.app_context():
            sweep_lost_texts()
            send_due()

    def refusal(self) -> str | None:
        with self.world.session():
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == self.world.shared)).one()
            return refusal(inbox, self.contact_id, MessageKind.PERSON)

    def bars(self) -> tuple[Bar, ...]:
        with self.world.session():
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == self.world.shared)).one()
            return bars.ask(inbox, self.contact_id, Kind.BY_HAND).bars

    def receipt(self, message: Message, fate: str, code: str = "") -> None:
        """What this carrier posts about a text of ours: that it was sent, delivered, or failed."""
        line = self.line
        told = (str(message.provider_message_id), str(message.send_key), self.number, fate, code)
        assert line.post(line.end.receipt(line.address, *told)).status_code == 200
