"""Whom an inbox answers by itself while nobody is there (inboxes/out_of_office.py says when that is).

Only a text that waits for a person, and each person once in AGAIN_AFTER. Never a keyword or words that may be
an opt out, nobody who may not be texted (may_text.py is asked here, and again as the answer goes), and no
machine: two systems that answer each other would go on for ever. The answer is an automatic text: it answers
nothing for the desk, and moves nothing there.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, func, select

from cadence_app.consent import quoting
from cadence_app.consent.deciding import Arrival, Decided
from cadence_app.consent.may_text import Kind
from cadence_app.consent.text_effects import Flag, WordsCount
from cadence_app.extensions import db
from cadence_app.inboxes import out_of_office
from cadence_app.messaging import bars
from cadence_app.messaging.auto_replies import MAX_AUTO_REPLY
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind, MessageState

AGAIN_AFTER = timedelta(hours=12)
LONGEST = MAX_AUTO_REPLY
# An answer that comes much later is about a text that somebody may have read by then.
_WITHIN = timedelta(minutes=5)
# Nobody reads a text and has written an answer in so short a time.
_BY_MACHINE = timedelta(seconds=3)
_NOT_GONE = (MessageState.SUPPRESSED, MessageState.DROPPED, MessageState.FAILED)
_REACHED = (MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED)


def default_text(organisation: str, team: str) -> str:
    return f"{organisation} {team}: We are out of the office and will answer when we are back."


def answer_to(
    conversation: Conversation, arrival: Arrival, decided: Decided, *, wants: bool
) -> Message | None:
    """The automatic answer to a text that has come in and was written with all that it does, not stored yet;
    None where it gets none. `wants` is whether it needs a reply from a person. The caller holds the contact,
    so of two texts at once the second one sees the answer to the first."""
    inbox = conversation.inbox
    if not wants or not _may_be_answered(arrival, decided):
        return None
    away = out_of_office.away(out_of_office.of(inbox))
    if away is None or _by_machine(conversation, arrival) or _answered_lately(conversation):
        return None
    if bars.ask(inbox, conversation.contact_id, Kind.ANSWER).bar:
        return None
    return Message(
        direction=Direction.OUTBOUND,
        kind=MessageKind.AWAY_REPLY,
        body=away.body,
        state=MessageState.QUEUED,
        expires_at=arrival.received_at + _WITHIN,
    )


def _may_be_answered(arrival: Arrival, decided: Decided) -> bool:
    """Whether it is a text from the phone that is texted, just now, that says nothing of consent."""
    says = decided.keyword or any(isinstance(each, Flag | WordsCount) for each in decided.effects)
    just_now = arrival.received_at > datetime.now(UTC) - _WITHIN
    return not says and not decided.opted_out and not arrival.carrier_meaning and arrival.texted and just_now


def _by_machine(conversation: Conversation, arrival: Arrival) -> bool:
    if quoting.may_be_automatic(arrival.words):
        return True
    just_before = Message.sending_since.between(arrival.received_at - _BY_MACHINE, arrival.received_at)
    ours = Message.conversation_id == conversation.id, Message.direction == Direction.OUTBOUND
    return bool(db.session.scalar(select(exists().where(*ours, Message.state.in_(_REACHED), just_before))))


def _answered_lately(conversation: Conversation) -> bool:
    """Whether they had this answer here within AGAIN_AFTER, or are about to get it."""
    answers = Message.conversation_id == conversation.id, Message.kind == MessageKind.AWAY_REPLY
    lately = Message.created_at > func.clock_timestamp() - AGAIN_AFTER
    return bool(db.session.scalar(select(exists().where(*answers, lately, Message.state.not_in(_NOT_GONE)))))
