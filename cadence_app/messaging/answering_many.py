"""answering.py for many conversations at once, and Undo: each function is a few statements, however many. The
caller has held the conversations (hold()), and commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, insert, literal, null, select, update
from sqlalchemy.orm import aliased

from cadence_app.extensions import db
from cadence_app.messaging.answering import OWN
from cadence_app.messaging.desk_models import Cause, StateChange
from cadence_app.messaging.models import Conversation, ConversationState, Message

_UNSYNCED = {"synchronize_session": False}


@dataclass(frozen=True)
class Turned:
    """A conversation whose state was changed, and the change, for Undo."""

    conversation_id: int
    change_id: int


def hold(ids: Collection[int]) -> None:
    """Holds these conversations in the order of their ids, so that no text comes into one until the
    transaction ends. What is read of them afterwards is how they stand."""
    query = select(Conversation.id).where(Conversation.id.in_(ids)).order_by(Conversation.id)
    db.session.execute(query.with_for_update(key_share=True)).all()


def done(user_id: int, ids: Collection[int]) -> list[Turned]:
    """Marks these done that are not. Who asks has seen what is in them."""
    return _turn(user_id, ids, ConversationState.DONE, null())


def reopen(user_id: int, ids: Collection[int]) -> list[Turned]:
    """Opens these that are snoozed or done; what Done ended waits again, unless it was answered since."""
    last = aliased(StateChange)
    ended = (
        select(
            case((~_answered_since(last), last.waited_since), else_=null()),
        )
        .where(last.conversation_id == Conversation.id, last.undone_at.is_(None))
        .where(last.after == ConversationState.DONE, last.id == _last_change())
        .correlate(Conversation)
        .scalar_subquery()
    )
    was_done = Conversation.state == ConversationState.DONE
    since = case((was_done, ended), else_=Conversation.waiting_since)
    waits = db.session.execute(
        select(Conversation.id, since.label("since")).where(
            Conversation.id.in_(ids), Conversation.state != ConversationState.OPEN
        )
    ).all()
    turned = _turn(user_id, ids, ConversationState.OPEN, Conversation.waiting_since)
    if again := [{"id": row.id, "waiting_since": row.since} for row in waits if row.since]:
        db.session.execute(update(Conversation), again)
    return turned


def undo(change_ids: Collection[int]) -> set[int]:
    """Makes these changes by hand undone, which are shown no more, where nothing has happened to the
    conversation since: the ids of those conversations. Every other is left as it is."""
    ended = StateChange.after == ConversationState.DONE
    as_left = (
        select(StateChange)
        .join(Conversation, Conversation.id == StateChange.conversation_id)
        .where(
            StateChange.id.in_(change_ids),
            StateChange.undone_at.is_(None),
            StateChange.id == _last_change(),
            Conversation.state == StateChange.after,
            Conversation.snoozed_until.is_not_distinct_from(StateChange.until),
            # What a person has answered since waits no more.
            (~ended | ~_answered_since(StateChange)),
            # What is open already has no change by a text that came since.
            ~_asked_since(StateChange),
        )
    )
    changes: Sequence[StateChange] = db.session.scalars(as_left).all()
    if not changes:
        return set()
    rows: list[dict[str, Any]] = []
    waits = dict(
        db.session.execute(
            select(Conversation.id, Conversation.waiting_since).where(
                Conversation.id.in_([each.conversation_id for each in changes])
            )
        ).all()
    )
    for each in changes:
        since = waits[each.conversation_id]
        if each.after == ConversationState.DONE or (since and each.before != ConversationState.DONE):
            since = each.waited_since
        rows.append(
            {
                "id": each.conversation_id,
                "state": each.before,
                "snoozed_until": each.before_until,
                "waiting_since": None if each.before == ConversationState.DONE else since,
            }
        )
        each.undone_at = func.clock_timestamp()
    db.session.flush()
    db.session.execute(update(Conversation), rows)
    return {each.conversation_id for each in changes}


def _turn(user_id: int, ids: Collection[int], state: ConversationState, since: Any) -> list[Turned]:
    columns = {
        "tenant_id": Conversation.tenant_id,
        "conversation_id": Conversation.id,
        "cause": literal(str(Cause.USER)),
        "user_id": literal(user_id),
        "before": Conversation.state,
        "before_until": Conversation.snoozed_until,
        "waited_since": Conversation.waiting_since,
        "after": literal(str(state)),
    }
    chosen = select(*columns.values()).where(Conversation.id.in_(ids), Conversation.state != state)
    noted = (
        insert(StateChange)
        .from_select(list(columns), chosen.order_by(Conversation.id))
        .returning(StateChange.conversation_id, StateChange.id)
    )
    turned = [Turned(*row) for row in db.session.execute(noted)]
    db.session.execute(
        update(Conversation)
        .where(Conversation.id.in_([each.conversation_id for each in turned]))
        .values(
            state=state,
            snoozed_until=null(),
            waiting_since=since,
            listed_at=func.coalesce(Conversation.listed_at, func.clock_timestamp()),
        ),
        execution_options=_UNSYNCED,
    )
    db.session.expire_all()
    return turned


def _last_change() -> Any:
    """The id of the last change of a conversation that stands."""
    other = aliased(StateChange)
    return (
        select(func.max(other.id))
        .where(other.conversation_id == Conversation.id, other.undone_at.is_(None))
        .correlate(Conversation)
        .scalar_subquery()
    )


def _asked_since(change: Any) -> ColumnElement[bool]:
    """Whether the contact has written what needs a reply since a change of a conversation."""
    theirs = select(Message.id).where(
        Message.conversation_id == Conversation.id,
        Message.created_at > change.created_at,
        Message.needs_reply,
    )
    return theirs.correlate(Conversation, change).exists()


def _answered_since(change: Any) -> ColumnElement[bool]:
    """Whether a person has written to the contact of a conversation since a change of it."""
    own = select(Message.id).where(
        Message.conversation_id == Conversation.id, Message.created_at > change.created_at, *OWN
    )
    return own.correlate(Conversation, change).exists()
