"""A conversation that tests text in, both ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answering, answering_many
from cadence_app.messaging.conversations import add_message, conversation_with
from cadence_app.messaging.models import (
    Conversation,
    ConversationState,
    Direction,
    Message,
    MessageState,
    Unsent,
)
from cadence_app.messaging.sending import compose
from tests.world import World, new_number


@dataclass
class Talk:
    """Who texts, and what the tests do in the conversation with them."""

    world: World
    number: str = field(default_factory=new_number)
    id: int = 0

    def comes(self, body: str = "When do you open?") -> int:
        """A text from them: its id."""
        received = self.world.text(self.number, body)
        self.id = received.conversation_id
        return received.message_id

    def row(self) -> Conversation:
        """The conversation as it stands, detached."""
        with self.world.session():
            row = db.session.get_one(Conversation, self.id)
            db.session.expunge(row)
            return row

    def writes(self, body: str = "At nine") -> int:
        """A user's text, queued: its id."""
        with self.world.session():
            user, row = self._both()
            message = compose(user, row, body)
            db.session.commit()
            return message.id

    def campaign(self) -> None:
        """A text of a campaign, as far as the list is concerned."""
        with self.world.session():
            contact_id = (
                self.world.contact_id(self.number) if self.id else self.world.add_contact(self.number)
            )
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == self.world.shared)).one()
            row = conversation_with(inbox, contact_id, ConversationState.DONE)
            self.id = row.id
            text = Message(direction=Direction.OUTBOUND, body="News", state=MessageState.SENT, by_hand=False)
            add_message(row, text)
            db.session.commit()

    def fails(self, message_id: int) -> None:
        """The carrier refuses a text of ours."""
        with self.world.session():
            message = db.session.get_one(Message, message_id)
            message.end(MessageState.FAILED, Unsent.CARRIER_REFUSED, "Refused.")
            answering.unanswered(message)
            db.session.commit()

    def done(self, seen_id: int | None = None) -> int | None:
        """The id of the change."""
        with self.world.session():
            user, row = self._both()
            change = answering.done(user, row, self.last() if seen_id is None else seen_id)
            db.session.commit()
            return change.id if change else None

    def snooze(self, until: timedelta = timedelta(hours=1)) -> int | None:
        with self.world.session():
            user, row = self._both()
            change = answering.snooze(user, row, datetime.now(UTC) + until, self.last())
            db.session.commit()
            return change.id if change else None

    def reopen(self) -> int | None:
        with self.world.session():
            user, row = self._both()
            change = answering.reopen(user, row)
            db.session.commit()
            return change.id if change else None

    def undo(self, change_id: int) -> bool:
        with self.world.session():
            answering_many.hold([self.id])
            undone = answering_many.undo([change_id])
            db.session.commit()
            return bool(undone)

    def wakes(self) -> None:
        """Its snooze is over, and the sweep comes by."""
        with self.world.session():
            row = db.session.get_one(Conversation, self.id)
            if row.snoozed_until:
                row.snoozed_until = datetime.now(UTC) - timedelta(seconds=1)
                db.session.commit()
            answering.wake(self.id)

    def last(self) -> int:
        with self.world.session():
            query = select(Message.id).where(Message.conversation_id == self.id)
            return db.session.scalars(query.order_by(Message.id.desc()).limit(1)).first() or 0

    def _both(self) -> tuple[User, Conversation]:
        return db.session.get_one(User, self.world.agent_id), db.session.get_one(Conversation, self.id)
