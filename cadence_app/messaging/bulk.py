"""What a user does with conversations of the list, one or many in one press, and how it is undone.

A press is kept as a batch for a day, with how each conversation was, so that Undo puts back exactly that,
where nothing has happened since. Many are dealt with in chunks, each committed by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, insert, select, true, update

from cadence_app.accounts.models import User
from cadence_app.consent.models import Decision, PossibleOptOut
from cadence_app.contacts import tags
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging import answering_many, assignments
from cadence_app.messaging.answering_many import Turned
from cadence_app.messaging.desk_models import Action, Batch, BatchItem
from cadence_app.messaging.models import Conversation, Direction, Message

# So many in one press; the rest takes another.
MOST = 5000
_CHUNK = 500
_KEPT_FOR = timedelta(days=1)
# Who asks for all of a list has seen what came until then but for what was on its way.
_ON_ITS_WAY = timedelta(seconds=10)


@dataclass(frozen=True)
class Seen:
    """What the user's page showed: of each conversation the id of its last text, and when the page was made,
    for those that were on none."""

    texts: Mapping[int, int]
    at: datetime


@dataclass(frozen=True)
class Undone:
    """How many were put back as they were, and how many were left because something has happened since."""

    put_back: int
    left: int


def act(
    user: User,
    action: Action,
    ids: Collection[int],
    seen: Seen,
    *,
    whole_list: bool = False,
    assignee_id: int | None = None,
    tag: str = "",
) -> Batch:
    """Does it to those of these conversations that the user may see, and commits. Done makes them count as
    read, though their texts stay unopened. It leaves out possible opt outs that are to be decided, where it
    is more than one or a `whole_list` that was pressed, and those in which more has come since they were
    `seen`; an assignment leaves out what can't be theirs. Errors: BadTag."""
    ids = _visible(user, ids)
    batch = Batch(tenant_id=user.tenant_id, user_id=user.id, action=action, assignee_id=assignee_id)
    given = tags.named(tag) if action == Action.TAG else None
    batch.tag_id = given.id if given else None
    _forget_old(user)
    db.session.add(batch)
    db.session.flush()
    for chunk in _chunks(ids):
        if action == Action.ASSIGN:
            assignments.hold_people({assignee_id})
        if action == Action.TAG:
            _hold_people_of(chunk)
        answering_many.hold(chunk)
        match action:
            case Action.DONE:
                may = _may_be_done(batch, chunk, seen, whole_list or len(ids) > 1)
                unread = _unread_of(may)
                _keep(batch, answering_many.done(user.id, may), unread)
                _set_unread(dict.fromkeys(unread, 0))
            case Action.REOPEN:
                _keep(batch, answering_many.reopen(user.id, chunk))
            case Action.READ:
                _read(batch, chunk)
            case Action.ASSIGN:
                _assign(user, batch, chunk)
            case Action.TAG:
                _tag(user, batch, chunk)
        db.session.commit()
    db.session.commit()
    return batch


def keep_one(user: User, action: Action, turned: Turned) -> Batch:
    """The batch of what was done to one conversation by another way. The caller commits."""
    _forget_old(user)
    batch = Batch(tenant_id=user.tenant_id, user_id=user.id, action=action)
    db.session.add(batch)
    db.session.flush()
    _keep(batch, [turned])
    return batch


def find(user: User, batch_id: int | None) -> Batch | None:
    """A batch of the user's own that Undo may still be pressed for."""
    if batch_id is None:
        return None
    query = select(Batch).where(
        Batch.id == batch_id,
        Batch.user_id == user.id,
        Batch.undone_at.is_(None),
        Batch.created_at > func.now() - _KEPT_FOR,
    )
    return db.session.scalars(query).one_or_none()


def items_of(batch: Batch) -> list[BatchItem]:
    """What it changed, by conversation."""
    query = select(BatchItem).where(BatchItem.batch_id == batch.id)
    return list(db.session.scalars(query.order_by(BatchItem.conversation_id, BatchItem.id)))


def count_of(batch: Batch) -> int:
    """How many conversations it changed."""
    query = select(func.count()).select_from(BatchItem).where(BatchItem.batch_id == batch.id)
    return db.session.scalars(query).one()


def undo(user: User, batch: Batch) -> Undone:
    """Puts back what a batch changed, where the user may still see it and nothing has happened since, and
    commits."""
    items, done = items_of(batch), 0
    may_see = set(_visible(user, [each.conversation_id for each in items]))
    for at in range(0, len(items), _CHUNK):
        part = [each for each in items[at : at + _CHUNK] if each.conversation_id in may_see]
        if batch.action == Action.ASSIGN:
            assignments.hold_people({each.assignee_id for each in part})
        answering_many.hold([each.conversation_id for each in part])
        done += _put_back(user, batch, part)
        if at + _CHUNK < len(items):
            db.session.commit()
    batch.undone_at = func.now()
    db.session.commit()
    return Undone(done, len(items) - done)


def _put_back(user: User, batch: Batch, part: Sequence[BatchItem]) -> int:
    match batch.action:
        case Action.READ:
            # Only where no text has come in since.
            again = _unread_of([each.conversation_id for each in part])
            back = {e.conversation_id: e.unread for e in part if e.conversation_id not in again}
            _set_unread(back)
            return len(back)
        case Action.ASSIGN:
            whose = {each.conversation_id: each.assignee_id for each in part}
            return assignments.give_back(user, whose, batch.assignee_id)
        case Action.TAG:
            contacts = select(Conversation.contact_id).where(
                Conversation.id.in_([each.conversation_id for each in part])
            )
            return tags.remove_from(user, db.session.scalars(contacts).all(), batch.tag_id or 0)
    undone = answering_many.undo([each.change_id for each in part if each.change_id])
    _set_unread({e.conversation_id: e.unread for e in part if e.unread and e.conversation_id in undone})
    return len(undone)


def _may_be_done(batch: Batch, chunk: Sequence[int], seen: Seen, many: bool) -> list[int]:
    flagged = exists().where(
        PossibleOptOut.contact_id == Conversation.contact_id,
        PossibleOptOut.team_id == Inbox.team_id,
        PossibleOptOut.decision == Decision.OPEN,
    )
    came = select(func.max(Message.id), func.max(Message.created_at)).where(
        Message.conversation_id == Conversation.id, Message.direction == Direction.INBOUND
    )
    last = came.correlate(Conversation).lateral()
    query = (
        select(Conversation.id, flagged.label("flagged"), last.c[0], last.c[1])
        .join(Conversation.inbox)
        .join(last, true())
        .where(Conversation.id.in_(chunk))
        .order_by(Conversation.id)
    )
    may: list[int] = []
    for conversation_id, is_flagged, last_id, last_at in db.session.execute(query):
        known = seen.texts.get(conversation_id)
        if known is None:
            newer = last_at is not None and last_at > seen.at - _ON_ITS_WAY
        else:
            newer = last_id is not None and last_id > known
        if newer:
            batch.newer += 1
        elif many and is_flagged:
            batch.left_out += 1
        else:
            may.append(conversation_id)
    return may


def _keep(batch: Batch, turned: Collection[Turned], unread: Mapping[int, int] | None = None) -> None:
    rows = [{"conversation_id": each.conversation_id, "change_id": each.change_id} for each in turned]
    _add(batch, [row | {"unread": (unread or {}).get(row["conversation_id"], 0)} for row in rows])


def _add(batch: Batch, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        common = {"tenant_id": batch.tenant_id, "batch_id": batch.id, "unread": 0}
        db.session.execute(insert(BatchItem), [common | dict(row) for row in rows])


def _read(batch: Batch, chunk: Sequence[int]) -> None:
    before = _unread_of(chunk)
    _add(batch, [{"conversation_id": each, "unread": unread} for each, unread in before.items()])
    _set_unread(dict.fromkeys(before, 0))
    db.session.execute(
        update(Message)
        .where(
            Message.conversation_id.in_(before),
            Message.direction == Direction.INBOUND,
            Message.opened_at.is_(None),
        )
        .values(opened_at=func.clock_timestamp())
    )


def _unread_of(ids: Sequence[int]) -> dict[int, int]:
    """Those of these held conversations that have unread texts, and how many."""
    query = select(Conversation.id, Conversation.unread).where(
        Conversation.id.in_(ids), Conversation.unread > 0
    )
    return {row.id: row.unread for row in db.session.execute(query.order_by(Conversation.id))}


def _set_unread(unread: Mapping[int, int]) -> None:
    if unread:
        rows = [{"id": each, "unread": count} for each, count in unread.items()]
        db.session.execute(update(Conversation), rows)


def _assign(user: User, batch: Batch, chunk: Sequence[int]) -> None:
    before, left = assignments.assign_many(user, chunk, batch.assignee_id)
    batch.left_out += left
    _add(batch, [{"conversation_id": each, "assignee_id": was} for each, was in before.items()])


def _hold_people_of(chunk: Sequence[int]) -> None:
    """As giving a tag does by its foreign key, but before the conversations are held: who changes a number
    holds the contact first."""
    theirs = select(Conversation.contact_id).where(Conversation.id.in_(chunk))
    query = select(Contact.id).where(Contact.id.in_(theirs)).order_by(Contact.id)
    db.session.execute(query.with_for_update(read=True, key_share=True)).all()


def _tag(user: User, batch: Batch, chunk: Sequence[int]) -> None:
    query = select(Conversation.contact_id, Conversation.id).where(Conversation.id.in_(chunk))
    theirs = dict(db.session.execute(query.order_by(Conversation.id)).all())
    added = tags.add_to(user, list(theirs), batch.tag_id or 0)
    _add(batch, [{"conversation_id": theirs[each]} for each in added])


def _visible(user: User, ids: Collection[int]) -> list[int]:
    query = (
        select(Conversation.id)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .where(Conversation.id.in_(ids), visible_to(user), Contact.gone_at.is_(None))
    )
    return list(db.session.scalars(query.order_by(Conversation.id).limit(MOST)))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))


def _forget_old(user: User) -> None:
    db.session.execute(
        delete(Batch).where(Batch.user_id == user.id, Batch.created_at < func.now() - _KEPT_FOR)
    )
