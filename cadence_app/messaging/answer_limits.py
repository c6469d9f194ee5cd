"""How often a contact is answered by itself in one conversation: two systems that answer each other would go
on for ever. What a text does to a status is never limited, only the answer."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import exists, func, select

from cadence_app.consent.keywords import Meaning
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message, MessageKind, MessageState

HELP_EVERY = timedelta(minutes=10)
# 47 CFR 64.1200(a)(12) allows one confirmation for each opt out. So many opt outs and opt ins of one contact
# within a day are answered, each with its confirmation and its welcome-back.
PAIRS_A_DAY = 5
_DAY = timedelta(days=1)
_PAIR = (MessageKind.OPT_OUT_REPLY, MessageKind.OPT_IN_REPLY)
_NOT_GONE = (MessageState.SUPPRESSED, MessageState.DROPPED, MessageState.FAILED)


class Limit(StrEnum):
    HELP = "help"
    PAIRS = "pairs"


WORDS = {
    Limit.HELP: "Not answered: the help text went here less than ten minutes ago.",
    Limit.PAIRS: (
        f"Not answered: they have opted out and in {PAIRS_A_DAY} times here within a day. "
        "The status changed all the same."
    ),
}


def limit_of(conversation: Conversation, answer: Meaning) -> Limit | None:
    """Which limit an answer would pass, if any. The caller holds the contact, so two texts at once are asked
    one after the other."""
    recent = Message.created_at > func.clock_timestamp() - (HELP_EVERY if answer == Meaning.HELP else _DAY)
    lately = Message.conversation_id == conversation.id, recent
    if answer == Meaning.HELP:
        helped = Message.kind == MessageKind.HELP_REPLY, Message.state.not_in(_NOT_GONE)
        return Limit.HELP if db.session.scalar(select(exists().where(*lately, *helped))) else None
    counts = (func.count().filter(Message.kind == kind) for kind in _PAIR)
    pairs = min(db.session.execute(select(*counts).where(*lately, Message.kind.in_(_PAIR))).one())
    return Limit.PAIRS if pairs >= PAIRS_A_DAY else None
