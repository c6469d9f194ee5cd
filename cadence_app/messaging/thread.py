"""The open conversation as one line of time: texts, and what colleagues left beside them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, select

from cadence_app.extensions import db
from cadence_app.messaging.desk import THREAD_LENGTH, Window
from cadence_app.messaging.desk_models import AssignmentChange, Cause, Note, StateChange
from cadence_app.messaging.models import Conversation


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


def entries(conversation: Conversation, window: Window) -> list[Entry]:
    """The texts that are shown, oldest first, with the notes, the assignments and what was done or snoozed
    since the first of them; with all of these where they are all its texts. Where texts are left out, so is
    what was between."""
    messages = window.messages
    since = None if window.whole else messages[0].created_at
    kinds: tuple[tuple[What, list[Any]], ...] = (
        (What.TEXT, messages),
        (What.NOTE, _latest(Note, conversation, since)),
        (What.ASSIGNMENT, _latest(AssignmentChange, conversation, since)),
        (What.STATE, _latest(StateChange, conversation, since, *_SHOWN)),
    )
    lines = [[Entry(what, item.created_at, item) for item in items] for what, items in kinds]
    merged = heapq.merge(*lines, key=lambda entry: entry.at)
    if window.gap_after is None:
        return list(merged)
    at = next(place for place, each in enumerate(messages) if each.id == window.gap_after)
    begins, ends = messages[at].created_at, messages[at + 1].created_at
    return [entry for entry in merged if entry.what == What.TEXT or not begins < entry.at < ends]


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
