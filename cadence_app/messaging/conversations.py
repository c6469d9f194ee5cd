"""Conversations and the texts put into them, whichever way they go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answering
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import GONE_WRONG, Conversation, ConversationState, Message, MessageState


def conversation_with(
    inbox: Inbox, contact_id: int, state: ConversationState = ConversationState.OPEN
) -> Conversation:
    """The conversation between an inbox and a contact, made where there is none: in no list yet, and in this
    state."""
    db.session.execute(
        upsert(Conversation)
        .values(
            tenant_id=inbox.tenant_id,
            inbox_id=inbox.id,
            contact_id=contact_id,
            last_message_at=func.clock_timestamp(),
            state=state,
        )
        .on_conflict_do_nothing(index_elements=["inbox_id", "contact_id"])
    )
    return db.session.scalars(
        select(Conversation).where(Conversation.inbox_id == inbox.id, Conversation.contact_id == contact_id)
    ).one()


def conversations_with(
    inbox: Inbox, contact_ids: Collection[int], state: ConversationState
) -> dict[int, Conversation]:
    """conversation_with() of many, by their contacts' ids."""
    columns = {"tenant_id": inbox.tenant_id, "inbox_id": inbox.id, "state": state}
    added = upsert(Conversation).values(
        [columns | {"contact_id": each, "last_message_at": func.clock_timestamp()} for each in contact_ids]
    )
    db.session.execute(added.on_conflict_do_nothing(index_elements=["inbox_id", "contact_id"]))
    query = select(Conversation).where(
        Conversation.inbox_id == inbox.id, Conversation.contact_id.in_(contact_ids)
    )
    return {each.contact_id: each for each in db.session.scalars(query)}


def texted_in(inbox: Inbox, contact_id: int, text: str) -> Conversation:
    """conversation_with(), held, whose latest text is one that has come in. The caller adds the message and
    calls answering.came_in(); until then a new one is done."""
    statement = upsert(Conversation).values(
        tenant_id=inbox.tenant_id,
        inbox_id=inbox.id,
        contact_id=contact_id,
        last_message_at=func.clock_timestamp(),
        last_message_text=text,
        state=ConversationState.DONE,
    )
    new = statement.excluded
    moved = statement.on_conflict_do_update(
        index_elements=["inbox_id", "contact_id"],
        set_={
            "last_message_at": new.last_message_at,
            "last_message_text": new.last_message_text,
        },
    ).returning(Conversation)
    return db.session.scalars(moved, execution_options={"populate_existing": True}).one()


def add_message(conversation: Conversation, message: Message, written_at: datetime | None = None) -> Message:
    """Puts a new text of ours into a conversation. Only a person's own that is to go answers, and moves it to
    the top of its inbox; with `written_at` what had been asked by then."""
    message.tenant_id = conversation.tenant_id
    message.inbox_id = conversation.inbox_id
    message.conversation_id = conversation.id
    db.session.add(message)
    conversation.last_message_at = func.clock_timestamp()
    conversation.last_message_text = message.body
    db.session.flush()
    if message.by_person and message.state not in GONE_WRONG:
        answering.answered(conversation, message, written_at)
    return message


def add_automated(texts: Sequence[tuple[Conversation, Message]]) -> None:
    """Puts new texts into conversations that answer nothing and move none, such as a campaign's."""
    now: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    for conversation, message in texts:
        message.tenant_id = conversation.tenant_id
        message.inbox_id = conversation.inbox_id
        message.conversation_id = conversation.id
        message.conversation = conversation
        conversation.last_message_at = now
        conversation.last_message_text = message.body
        db.session.add(message)
    db.session.flush()


def read_last(conversation: Conversation) -> None:
    """Gives a conversation the words of its latest text again, and that one's time, after a later one was
    taken back; none where it has no text."""
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
