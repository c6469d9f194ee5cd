"""Texts for a later time. Consent is asked when one is written, when its time comes, and once more as it is
sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent.may_text import Bar, Kind
from cadence_app.extensions import db
from cadence_app.messaging import answering, bars
from cadence_app.messaging.carriers import gaps
from cadence_app.messaging.conversations import add_message
from cadence_app.messaging.models import Conversation, LaterState, MessageKind, ScheduledText
from cadence_app.messaging.sending import refusal, written

OPEN = (LaterState.WAITING, LaterState.HELD, LaterState.MISSED)
# A text that is later than this is not sent by itself any more.
LATEST = timedelta(days=1)


class Refused(ValueError):
    """The text can't be set for a time, or changed; says why in words."""


def schedule_text(user: User, conversation: Conversation, body: str, send_at: datetime) -> ScheduledText:
    """Sets a text for a time (UTC) and commits. Errors: Refused where the contact may not be texted now."""
    _check_consent(conversation)
    text = ScheduledText(
        tenant_id=conversation.tenant_id,
        conversation_id=conversation.id,
        user_id=user.id,
        body=body,
        send_at=send_at,
    )
    db.session.add(text)
    answering.list_it(conversation)
    db.session.commit()
    return text


def open_texts(conversation: Conversation) -> list[ScheduledText]:
    """Those of a conversation that are still to go, the next one first."""
    query = select(ScheduledText).where(
        ScheduledText.conversation_id == conversation.id, ScheduledText.state.in_(OPEN)
    )
    return list(db.session.scalars(query.order_by(ScheduledText.send_at, ScheduledText.id)))


def find(conversation: Conversation, text_id: int) -> ScheduledText | None:
    """One that is still to go."""
    return next((text for text in open_texts(conversation) if text.id == text_id), None)


def change(text: ScheduledText, body: str, send_at: datetime) -> None:
    """Changes words and time, and commits. Errors: Refused where it has gone by now, or may not go."""
    _check_consent(text.conversation)
    held = _still_open(text)
    held.body, held.send_at, held.state = body, send_at, LaterState.WAITING
    db.session.commit()


def cancel(text: ScheduledText) -> None:
    """Commits. Errors: Refused where it has gone by now."""
    _still_open(text).state = LaterState.CANCELLED
    db.session.commit()


def take_up(text_id: int) -> int | None:
    """Puts a due text into its conversation and commits: the id of the message, if it is to be delivered."""
    text = _locked(text_id)
    if text is None or text.state not in (LaterState.WAITING, LaterState.HELD):
        db.session.rollback()
        return None
    conversation = text.conversation
    bar = bars.ask(conversation.inbox, conversation.contact_id, Kind.AUTOMATED).bar
    if text.send_at < datetime.now(UTC) - LATEST:
        text.state = LaterState.MISSED
    elif gaps.held_back(conversation.inbox):
        # It stays due: looked at again with the next sweep.
        db.session.rollback()
        return None
    elif bar == Bar.POSSIBLE_OPT_OUT:
        text.state = LaterState.HELD
    else:
        message = written(conversation.inbox, text.body, text.user_id, bar, by_hand=False)
        add_message(conversation, message, text.created_at)
        text.state, text.message_id = LaterState.SENT, message.id
    message_id = text.message_id
    db.session.commit()
    return None if bar else message_id


def _check_consent(conversation: Conversation) -> None:
    """What a person may send by hand may be set for later: a possible opt out holds it only at its time."""
    if why_not := refusal(conversation.inbox, conversation.contact_id, MessageKind.PERSON):
        raise Refused(why_not)


def _still_open(text: ScheduledText) -> ScheduledText:
    locked = _locked(text.id)
    if locked is None or locked.state not in OPEN:
        db.session.rollback()
        raise Refused("It has been sent or cancelled meanwhile.")
    return locked


def _locked(text_id: int) -> ScheduledText | None:
    return db.session.scalars(
        select(ScheduledText)
        .where(ScheduledText.id == text_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
