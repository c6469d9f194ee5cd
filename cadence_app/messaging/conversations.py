"""Conversations and the texts put into them, whichever way they go."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Conversation, Message, MessageState


def conversation_with(inbox: Inbox, contact_id: int) -> Conversation:
    """The conversation between an inbox and a contact, made where there is none."""
    db.session.execute(
        upsert(Conversation)
        .values(
            tenant_id=inbox.tenant_id,
            inbox_id=inbox.id,
            contact_id=contact_id,
            last_message_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing(index_elements=["inbox_id", "contact_id"])
    )
    return db.session.scalars(
        select(Conversation).where(Conversation.inbox_id == inbox.id, Conversation.contact_id == contact_id)
    ).one()


def texted_in(inbox: Inbox, contact_id: int, text: str) -> Conversation:
    """conversation_with(), moved to the top of its inbox by a text that has come in and nobody has opened.
    The caller adds the message."""
    statement = upsert(Conversation).values(
        tenant_id=inbox.tenant_id,
        inbox_id=inbox.id,
        contact_id=contact_id,
        last_message_at=func.clock_timestamp(),
        last_message_text=text,
        unread=1,
    )
    new = statement.excluded
    moved = statement.on_conflict_do_update(
        index_elements=["inbox_id", "contact_id"],
        set_={
            "last_message_at": new.last_message_at,
            "last_message_text": new.last_message_text,
            "unread": Conversation.unread + 1,
        },
    ).returning(Conversation)
    return db.session.scalars(moved, execution_options={"populate_existing": True}).one()


def add_message(conversation: Conversation, message: Message) -> Message:
    """Puts a new text into a conversation and moves that to the top of its inbox."""
    message.tenant_id = conversation.tenant_id
    message.inbox_id = conversation.inbox_id
    message.conversation_id = conversation.id
    db.session.add(message)
    conversation.last_message_at = func.clock_timestamp()
    conversation.last_message_text = message.body
    db.session.flush()
    return message


def read_last(conversation: Conversation) -> None:
    """Gives a conversation the place and the words of its latest text again, after that one was taken
    back. Without a text it is in no list, and keeps its place."""
    last = db.session.scalars(
        select(Message).where(Message.conversation_id == conversation.id).order_by(Message.id.desc()).limit(1)
    ).first()
    if last:
        conversation.last_message_at = last.created_at
    conversation.last_message_text = said_by(last) if last else ""


def said_by(message: Message) -> str:
    """What a list shows of a text: its words, or which files it brought."""
    if message.body.strip():
        return message.body
    types = select(MessageMedia.content_type).where(MessageMedia.message_id == message.id)
    return kinds.summary(db.session.scalars(types.order_by(MessageMedia.position)).all())


def hold_queued(contact_id: int) -> None:
    """Holds the texts that wait to go to a contact. Who delivers one holds it before the contact, so whoever
    holds the contact in order to change their texts calls this first."""
    queued = (
        select(Message.id)
        .join(Message.conversation)
        .where(Conversation.contact_id == contact_id, Message.state == MessageState.QUEUED)
    )
    db.session.execute(queued.order_by(Message.id).with_for_update(of=Message)).all()
