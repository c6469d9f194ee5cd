"""Undo after Send: whoever pressed it takes their text back while no worker has taken it up.

Such a text never was one: its row goes, so that no report, no record and no file of a person's data has it,
and its words and files go back to who wrote them. The row alone decides who was first, the person or the
worker; Redis is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging import answering, drafts, holding
from cadence_app.messaging.conversations import read_last
from cadence_app.messaging.draft_models import What
from cadence_app.messaging.media import returned
from cadence_app.messaging.models import Conversation, Message, MessageState


class Why(StrEnum):
    """Why a text can't be taken back, or sent sooner: it went or is going; it is not there (any more), as
    where it was taken back in another tab; or it ended without being sent, and says why itself."""

    GOING = "going"
    GONE = "gone"
    UNSENT = "unsent"


class TooLate(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Held:
    """A text that waits until a time (UTC), `seconds` from now; `own` for the user who asks."""

    until: datetime
    seconds: float
    own: bool


@dataclass(frozen=True)
class TakenBack:
    """What goes back into the box."""

    words: str
    files: list[returned.ReturnedFile]


def held_in(user: User, conversation: Conversation) -> dict[int, Held]:
    """The texts of a conversation that are held still, by their ids."""
    left = func.extract("epoch", Message.held_until - func.clock_timestamp())
    rows = db.session.execute(
        select(Message.id, Message.held_until, left, Message.user_id).where(
            *_still_held(conversation), Message.held_until > func.clock_timestamp()
        )
    )
    return {
        message_id: Held(until, float(seconds), user_id == user.id)
        for message_id, until, seconds, user_id in rows
        if until
    }


def take_back(user: User, conversation: Conversation, message_id: int, typed: str = "") -> TakenBack:
    """Takes a held text of the user's back, and commits: above what they had `typed` since, it is their
    draft again. Whoever is later, the worker or they in another tab, finds nothing. Errors: TooLate."""
    # First, for the draft holds it too: who bars the contact has it, and then takes back their texts.
    drafts.hold_contact(conversation.contact_id)
    # A worker that has it is not waited for: it has won.
    message = db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.user_id == user.id, *_still_held(conversation))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if message is None:
        raise _too_late(user, conversation, message_id)
    files = returned.give_back(user, message)
    words = "\n\n".join(part for part in (message.body, typed) if part.strip())
    try:
        drafts.keep(user, conversation, What.TEXT, words)
    except drafts.Gone:
        db.session.rollback()
        raise TooLate(Why.GONE) from None
    answering.taken_back(message)
    db.session.expunge(message)
    db.session.execute(select(func.take_back_text(message_id, user.id))).one()
    read_last(conversation)
    db.session.commit()
    return TakenBack(words, files)


def send_now(user: User, conversation: Conversation, message_id: int) -> list[int]:
    """Ends the hold of a text of the user's, and of theirs before it in the conversation, and commits: the
    ids to dispatch, in their order. A colleague's earlier text keeps its time, and this one waits behind it.
    Errors: TooLate."""
    now = db.session.scalars(select(func.clock_timestamp())).one()
    theirs = (Message.user_id == user.id, Message.id <= message_id, *_still_held(conversation))
    query = select(Message.id).where(*theirs).order_by(Message.id).with_for_update(skip_locked=True)
    held = list(db.session.scalars(query))
    if message_id not in held:
        raise _too_late(user, conversation, message_id)
    sooner = case((Message.held_until > now, now), else_=Message.held_until)
    db.session.execute(
        update(Message)
        .where(Message.id.in_(held))
        .values(held_until=sooner, next_attempt_at=sooner)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return held


def _still_held(conversation: Conversation) -> tuple[ColumnElement[bool], ...]:
    """The conditions on texts that no worker has taken up."""
    return (
        Message.conversation_id == conversation.id,
        Message.state == MessageState.QUEUED,
        Message.held_until.is_not(None),
        Message.attempts == 0,
        holding.typed(),
    )


def _too_late(user: User, conversation: Conversation, message_id: int) -> TooLate:
    """Why it is; ends the transaction."""
    on_its_way = or_(
        Message.state.in_((MessageState.QUEUED, MessageState.SENDING)),
        and_(Message.attempts > 0, Message.unsent_reason.is_(None)),
    )
    going = db.session.scalars(
        select(on_its_way).where(
            Message.id == message_id,
            Message.conversation_id == conversation.id,
            Message.user_id == user.id,
        )
    ).one_or_none()
    db.session.rollback()
    return TooLate(Why.GONE if going is None else Why.GOING if going else Why.UNSENT)
