"""The open conversation as one line of time: texts, and what colleagues left beside them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, select

from cadence_app.extensions import db
from cadence_app.messaging.desk import THREAD_LENGTH
from cadence_app.messaging.desk_models import AssignmentChange, Cause, Note, StateChange
from cadence_app.messaging.models import Conversation, Message


class What(StrEnum):
    TEXT = "text"
    NOTE = "note"
    ASSIGNMENT = "assignment"
    STATE = "state"


@dataclass(frozen=True)
class Entry:
    what: What
    at: datetime
    item: Any


def entries(conversation: Conversation, messages: list[Message]) -> list[Entry]:
    """These texts, the latest of the conversation and oldest first, with the notes, the assignments and what
    was done or snoozed since the first of them; with all of these where they are all its texts."""
    since = messages[0].created_at if len(messages) == THREAD_LENGTH else None
    kinds: tuple[tuple[What, list[Any]], ...] = (
        (What.TEXT, messages),
        (What.NOTE, _latest(Note, conversation, since)),
        (What.ASSIGNMENT, _latest(AssignmentChange, conversation, since)),
        (What.STATE, _latest(StateChange, conversation, since, *_SHOWN)),
    )
    lines = [[Entry(what, item.created_at, item) for item in items] for what, items in kinds]
    return list(heapq.merge(*lines, key=lambda entry: entry.at))


# That a text opened it again is plain from the text.
_SHOWN = (StateChange.undone_at.is_(None), StateChange.cause != Cause.TEXT)


def _latest(
    table: type[Note | AssignmentChange | StateChange],
    conversation: Conversation,
    since: datetime | None,
    *which: ColumnElement[bool],
) -> list[Any]:
    query = select(table).where(table.conversation_id == conversation.id, *which)
    if since:
        query = query.where(table.created_at >= since)
    found = db.session.scalars(query.order_by(table.id.desc()).limit(THREAD_LENGTH)).all()
    return list(reversed(found))
