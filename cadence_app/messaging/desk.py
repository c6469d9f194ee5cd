"""What the Messages view shows: the inboxes of a user, their conversations, a thread."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy import Row as Result
from sqlalchemy.orm import contains_eager, joinedload

from cadence_app.accounts.models import User
from cadence_app.consent.models import Consent, Decision, PossibleOptOut
from cadence_app.contacts.models import Contact, ContactTag
from cadence_app.contacts.searching import ids_like
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.desk_first import Order, count_to, first_ids
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.desk_rows import Row, rows_of
from cadence_app.messaging.desk_which import Only, Which, Whose
from cadence_app.messaging.finding import Found, Shown, find, shown
from cadence_app.messaging.later import OPEN
from cadence_app.messaging.models import Conversation, ConversationState, Direction, Message, ScheduledText

PAGE = 50
# The texts of a conversation that are shown.
THREAD_LENGTH = 200
# Of each side, around a text that was found.
_AROUND = 30
# So many people or conversations that a list is narrowed to are looked up by their ids.
_FEW = 1000
_OPEN_FLAG = (
    (PossibleOptOut.contact_id == Conversation.contact_id)
    & (PossibleOptOut.team_id == Inbox.team_id)
    & (PossibleOptOut.decision == Decision.OPEN)
)


@dataclass(frozen=True)
class Page:
    """Conversations as the list shows them; `more` if there are further ones. `found` is what a search found
    in them, by their ids, and `too_many` that it looked at the latest texts alone."""

    rows: list[Row]
    more: bool
    found: dict[int, Shown] = field(default_factory=dict)
    too_many: bool = False


def inboxes_of(user: User) -> list[Result[Inbox, int]]:
    """The inboxes a user works in, each with its number of unread texts."""
    # The second condition is that of the index of those that have some.
    unread = (
        select(func.coalesce(func.sum(Conversation.unread), 0))
        .where(Conversation.inbox_id == Inbox.id, Conversation.unread > 0)
        .scalar_subquery()
        .label("unread")
    )
    query = select(Inbox, unread).where(visible_to(user)).order_by(Inbox.kind.desc(), Inbox.name)
    return list(db.session.execute(query).all())


_OPEN = Conversation.state == ConversationState.OPEN
_NOBODYS = (Conversation.assignee_id.is_(None), Inbox.kind == InboxKind.SHARED)
_TABS: dict[Only, tuple[ColumnElement[bool], ...]] = {
    Only.WAITING: (_OPEN, Conversation.waiting_since.is_not(None)),
    Only.OPEN: (_OPEN,),
    Only.UNASSIGNED: (_OPEN, *_NOBODYS),
    Only.UNREAD: (Conversation.unread > 0,),
    Only.SNOOZED: (Conversation.state == ConversationState.SNOOZED,),
    Only.DONE: (Conversation.state == ConversationState.DONE,),
    Only.FLAGGED: (PossibleOptOut.id.is_not(None),),
}


def conversations(user: User, which: Which, page: int) -> Page:
    """A page of a user's conversations: the latest first, but the flagged ones by the day they are due, the
    snoozed by when they come back, and those that wait, by choice, with who waits longest."""
    offset, most = (page - 1) * PAGE, PAGE + 1
    found = _found(user, which)
    query: Select[Conversation, str, date] = (
        _joined(select(Conversation, Consent.status, PossibleOptOut.due_on), user)
        .outerjoin(
            Consent, (Consent.contact_id == Conversation.contact_id) & (Consent.team_id == Inbox.team_id)
        )
        .options(contains_eager(Conversation.inbox), contains_eager(Conversation.contact))
        .options(joinedload(Conversation.assignee))
    )
    if which.by_inbox:
        query = query.where(Conversation.id.in_(_first(user, which, most, offset)))
    else:
        query = _narrowed(query, user, which, found).limit(most).offset(offset)
    rows = db.session.execute(query.order_by(*_order(which)(Conversation))).all()
    listed, more = rows_of(rows[:PAGE]), len(rows) > PAGE
    if found is None:
        return Page(listed, more)
    places = {row[0].id: found.places[row[0].id] for row in rows[:PAGE] if row[0].id in found.places}
    return Page(listed, more, shown(which.search, places), found.more)


def ids_of(user: User, which: Which, most: int) -> list[int]:
    """The ids of the first so many of a list, in its order."""
    if which.by_inbox:
        return _first(user, which, most)
    listed = _narrowed(_joined(select(Conversation.id), user), user, which, _found(user, which))
    return list(db.session.scalars(listed.order_by(*_order(which)(Conversation)).limit(most)))


def count(user: User, which: Which, most: int) -> int:
    """How many a list has; counts no further than `most`."""
    if which.by_inbox:
        return count_to(user, which.inbox_id, _conditions(user, which, None), most)
    listed = _narrowed(_joined(select(Conversation.id), user), user, which, _found(user, which))
    return db.session.scalars(select(func.count()).select_from(listed.limit(most).subquery())).one()


def _found(user: User, which: Which) -> Found | None:
    """What a search found. Where few conversations are in question, in all of their texts."""
    if not which.search:
        return None
    within = None
    if which.narrowed or which.only != Only.ALL:
        # Whichever they are: in their order PostgreSQL would go through all of the list for them.
        narrowed = _narrowed(_joined(select(Conversation.id), user), user, replace(which, search=""), None)
        ids = list(db.session.scalars(narrowed.limit(_FEW + 1)))
        within = ids if len(ids) <= _FEW else None
    return find(user, which.search, which.inbox_id, within)


def _first(user: User, which: Which, most: int, offset: int = 0) -> list[int]:
    return first_ids(user, which.inbox_id, _conditions(user, which, None), _order(which), most, offset)


def _joined(query: Any, user: User) -> Any:
    return (
        query.select_from(Conversation)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .outerjoin(PossibleOptOut, _OPEN_FLAG)
        .where(visible_to(user), Contact.gone_at.is_(None))
    )


def _narrowed(query: Any, user: User, which: Which, found: Found | None) -> Any:
    if which.inbox_id is not None:
        query = query.where(Conversation.inbox_id == which.inbox_id)
    return query.where(*_conditions(user, which, found))


def _conditions(user: User, which: Which, found: Found | None) -> list[ColumnElement[bool]]:
    only = which.only
    conditions = list(_TABS.get(only, ()))
    if only != Only.WAITING:
        # What waits has a text in it.
        conditions.append(begun() if found is None else or_(Conversation.id.in_(found.places), begun()))
    if only == Only.MINE:
        conditions += [_OPEN, Conversation.assignee_id == user.id]
    if found is not None:
        conditions.append(Conversation.id.in_(found.ids))
    if which.person:
        conditions.append(Conversation.contact_id.in_(ids_like(which.person, _FEW)))
    if which.tag_id:
        tagged = select(ContactTag.contact_id).where(ContactTag.tag_id == which.tag_id)
        conditions.append(Conversation.contact_id.in_(tagged))
    if which.whose == Whose.MINE:
        conditions.append(Conversation.assignee_id == user.id)
    if which.whose == Whose.NOBODYS:
        conditions.append(Conversation.assignee_id.is_(None))
    if not (which.anywhere and only == Only.ALL):
        conditions.append(Conversation.listed_at.is_not(None))
    return conditions


def _order(which: Which) -> Order:
    """Makes the order of a list out of the columns of a conversation."""
    if which.only == Only.WAITING and which.oldest_first:
        return lambda its: [its.waiting_since, its.id]
    first: dict[Only, list[Any]] = {
        Only.FLAGGED: [PossibleOptOut.due_on],
        Only.SNOOZED: [Conversation.snoozed_until],
    }

    def latest(its: Any) -> list[Any]:
        at = its.listed_at.desc()
        return [*first.get(which.only, []), at.nulls_last() if which.anywhere else at, its.id.desc()]

    return latest


def find_conversation(user: User, conversation_id: int) -> Conversation | None:
    """A conversation in one of the user's inboxes."""
    return db.session.scalars(
        select(Conversation)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .where(Conversation.id == conversation_id, visible_to(user), Contact.gone_at.is_(None))
        .options(contains_eager(Conversation.inbox))
    ).one_or_none()


def conversations_with(user: User, contact: Contact) -> list[Conversation]:
    """A contact's conversations that a user may read, newest first."""
    return list(
        db.session.scalars(
            select(Conversation)
            .join(Conversation.inbox)
            .where(Conversation.contact_id == contact.id, visible_to(user), begun())
            .options(contains_eager(Conversation.inbox))
            .order_by(Conversation.last_message_at.desc())
        )
    )


@dataclass(frozen=True)
class Window:
    """The texts of a thread that are shown, oldest first: the latest, and those around one that was found
    further back. `gap_after` is the id of the text behind which some are left out."""

    messages: list[Message]
    whole: bool
    gap_after: int | None = None


def thread(conversation: Conversation, around: datetime | None = None, limit: int = THREAD_LENGTH) -> Window:
    """The latest texts of a conversation, and a few around a time before them."""
    query = select(Message).where(Message.conversation_id == conversation.id)
    found = db.session.scalars(query.order_by(Message.id.desc()).limit(limit)).all()
    latest = list(reversed(found))
    whole = len(latest) < limit
    if whole or around is None or around >= latest[0].created_at:
        return Window(latest, whole)
    older = query.where(Message.id < latest[0].id)
    before = older.where(Message.created_at <= around).order_by(Message.id.desc()).limit(_AROUND)
    after = older.where(Message.created_at > around).order_by(Message.id).limit(_AROUND + 1)
    then = list(db.session.scalars(after))
    shown_before = [*reversed(db.session.scalars(before).all()), *then[:_AROUND]]
    gap = shown_before[-1].id if len(then) > _AROUND and shown_before else None
    return Window([*shown_before, *latest], whole=False, gap_after=gap)


def time_of(conversation: Conversation, message_id: int | None, note_id: int | None) -> datetime | None:
    """When a text or a note of this conversation was written; None where it is not of this one."""
    for table, row_id in ((Message, message_id), (Note, note_id)):
        if row_id:
            there = select(table.created_at).where(
                table.id == row_id, table.conversation_id == conversation.id
            )
            return db.session.scalar(there)
    return None


def readable(user: User, message_ids: set[int]) -> set[int]:
    """Those of these texts that are in an inbox the user works in."""
    if not message_ids:
        return set()
    query = (
        select(Message.id)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(Message.id.in_(message_ids), visible_to(user))
    )
    return set(db.session.scalars(query))


def mark_read(conversation: Conversation) -> None:
    """Somebody has the conversation before them: nobody need open its texts any more, and those opened for
    the first time keep that moment for good. Commits."""
    # The counter first: a text that is coming in holds its row, so the second statement sees that text too.
    db.session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id, Conversation.unread > 0)
        .values(unread=0)
    )
    db.session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.direction == Direction.INBOUND,
            Message.opened_at.is_(None),
        )
        .values(opened_at=func.clock_timestamp())
    )
    db.session.commit()


def mark_unread(conversation: Conversation) -> None:
    """Puts a conversation back among those with unread texts. When its texts were first opened stays, so no
    report counts them as unread. Commits."""
    db.session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id)
        .values(unread=func.greatest(Conversation.unread, 1))
    )
    db.session.commit()


def begun() -> ColumnElement[bool]:
    """The condition on conversations that there is anything in one: what was made for a text of a later time
    is empty once that is cancelled."""
    # Each of at most one row, so that it is read for the conversations of a page and never for all.
    inside: list[ColumnElement[bool]] = []
    for table, more in ((Message, ()), (Note, ()), (ScheduledText, (ScheduledText.state.in_(OPEN),))):
        there = select(table.id).where(table.conversation_id == Conversation.id, *more)
        inside.append(there.limit(1).correlate(Conversation).scalar_subquery().is_not(None))
    return or_(*inside)
