"""What messaging keeps of a person beside their texts: texts set for later, files, notes, whose the
conversations were, and posts of carriers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import any_, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import array

from cadence_app.contacts.forgetting import Leaving, Traces, register
from cadence_app.extensions import db
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadDecision, UnreadPost
from cadence_app.messaging.desk_models import AssignmentChange, Note
from cadence_app.messaging.media.service import forget
from cadence_app.messaging.models import Conversation, LaterState, ScheduledText

_OPEN_LATER = (LaterState.WAITING, LaterState.HELD, LaterState.MISSED)
# What people and forms write between the digits of a number.
_BETWEEN_DIGITS = r"[\s().+\-]|%20|%28|%29|%2B"


def _clear(leaving: Leaving) -> None:
    _clear_later(leaving.ids)
    forget(leaving.ids)
    _clear_notes(leaving.ids)
    _clear_posts(leaving.numbers, leaving.waiting_posts)


def _clear_later(ids: Sequence[int]) -> None:
    conversations = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    theirs = ScheduledText.conversation_id.in_(conversations)
    for condition, values in (
        ((theirs, ScheduledText.state.in_(_OPEN_LATER)), {"state": LaterState.CANCELLED}),
        ((theirs,), {"body": ""}),
    ):
        db.session.execute(
            update(ScheduledText)
            .where(*condition)
            .values(values)
            .execution_options(synchronize_session=False)
        )


def _clear_notes(ids: Sequence[int]) -> None:
    """Deletes them, and whose the conversations were: of no use to colleagues without the person."""
    conversations = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    for table in (Note, AssignmentChange):
        db.session.execute(delete(table).where(table.conversation_id.in_(conversations)))


def _clear_posts(numbers: Sequence[str], waiting: bool) -> None:
    """A text that could not be taken in stands in its post; one that still waits is nobody's text then."""
    db.session.execute(
        update(CarrierEvent)
        .where(
            CarrierEvent.content["from_number"].astext.in_(numbers),
            or_(literal(waiting), CarrierEvent.next_attempt_at.is_(None)),
        )
        .values(content={}, next_attempt_at=None, problem="Erased with the person it was from.")
        .execution_options(synchronize_session=False)
    )
    _clear_unread(numbers, waiting)


def _clear_unread(numbers: Sequence[str], waiting: bool) -> None:
    """What could not be read and has one of these numbers in it, however it is written: with or without its
    country, with spaces, dashes or parentheses."""
    endings = sorted({f"%{number.removeprefix('+')[-10:]}%" for number in numbers})
    if not endings:
        return
    written = UnreadPost.sender + " " + UnreadPost.words + " " + UnreadPost.content
    digits = func.regexp_replace(written, _BETWEEN_DIGITS, "", "g")
    maybe_a_stop = (UnreadPost.decision == UnreadDecision.OPEN) & UnreadPost.due_on.is_not(None)
    db.session.execute(
        delete(UnreadPost)
        .where(digits.like(any_(array(endings))), or_(literal(waiting), ~maybe_a_stop))
        .execution_options(synchronize_session=False)
    )


register(Traces("messaging", clear=_clear))
