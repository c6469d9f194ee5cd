"""Whose conversation it is: one colleague's or nobody's. Each function notes in the thread what it changes;
the caller commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import people_in
from cadence_app.messaging import answering, for_me
from cadence_app.messaging.desk_models import AssignmentChange
from cadence_app.messaging.models import Conversation
from cadence_app.tenancy import tenant_in_use


class Refused(Exception):
    """It can't be theirs; says why, for the person."""


@dataclass(frozen=True)
class Overtaken:
    """Who had the conversation in between, None for nobody, although the page of who assigned it said
    otherwise."""

    had: User | None


def assign(
    user: User, conversation: Conversation, assignee_id: int | None, seen_id: int | None
) -> Overtaken | None:
    """Makes a conversation somebody's, or nobody's (None). `seen_id` is whose it was on the user's page:
    where a colleague was faster, the later one wins and is told. Errors: Refused for a personal inbox and
    for who does not work in the inbox."""
    if conversation.inbox.personal:
        raise Refused("A personal inbox is its owner's. Nobody else can have its conversations.")
    if assignee_id is not None:
        _hold_users([assignee_id], shared=True)
        if assignee_id not in {person.id for person in people_in(conversation.inbox)}:
            raise Refused("That person does not work in this inbox any more. Choose somebody else.")
    db.session.refresh(conversation, ["assignee_id"], with_for_update=True)
    before_id = conversation.assignee_id
    if before_id != assignee_id:
        conversation.assignee_id = assignee_id
        answering.list_it(conversation)
        _note(conversation.id, before_id, assignee_id, user.id)
        db.session.flush()
        db.session.expire(conversation, ["assignee"])
    if before_id in (seen_id, assignee_id):
        return None
    return Overtaken(db.session.get(User, before_id) if before_id else None)


def hold_people(user_ids: Collection[int | None]) -> None:
    """Holds those to whom many conversations are to be given, before the conversations are held: release()
    holds them in that order too."""
    if held := {each for each in user_ids if each is not None}:
        _hold_users(held, shared=True)


def assign_many(
    user: User, ids: Collection[int], assignee_id: int | None
) -> tuple[dict[int, int | None], int]:
    """Makes these conversations, which the caller holds after who gets them (hold_people()), somebody's or
    nobody's: whose each was before that changed, and how many of them can't be theirs."""
    query = select(Conversation.id, Conversation.assignee_id, Inbox).join(Conversation.inbox)
    rows = db.session.execute(query.where(Conversation.id.in_(ids)).order_by(Conversation.id)).all()
    inboxes = {row.Inbox.id: row.Inbox for row in rows}
    may = {each.id for each in inboxes.values() if _may_have(each, assignee_id)}
    before = {
        row.id: row.assignee_id for row in rows if row.Inbox.id in may and row.assignee_id != assignee_id
    }
    _give(user, before, dict.fromkeys(before, assignee_id))
    return before, sum(row.Inbox.id not in may for row in rows)


def give_back(user: User, back: Mapping[int, int | None], assigned_id: int | None) -> int:
    """Undoes assign_many(): these conversations, held as for that, are whose they were, where nobody has
    assigned them since and that one still works there. How many."""
    query = (
        select(Conversation.id, Conversation.assignee_id, Inbox)
        .join(Conversation.inbox)
        .where(Conversation.id.in_(back), Conversation.assignee_id.is_not_distinct_from(assigned_id))
    )
    rows = db.session.execute(query.order_by(Conversation.id)).all()
    known: dict[tuple[int, int | None], bool] = {}
    for row in rows:
        pair = row.Inbox.id, back[row.id]
        if pair not in known:
            known[pair] = _may_have(row.Inbox, back[row.id])
    before = {row.id: row.assignee_id for row in rows if known[row.Inbox.id, back[row.id]]}
    _give(user, before, {each: back[each] for each in before})
    return len(before)


def _may_have(inbox: Inbox, user_id: int | None) -> bool:
    """Whether conversations of an inbox can be this user's, or nobody's."""
    if inbox.personal:
        return False
    return user_id is None or user_id in {person.id for person in people_in(inbox)}


def _give(user: User, before: Mapping[int, int | None], after: Mapping[int, int | None]) -> None:
    if before:
        db.session.execute(
            update(Conversation), [{"id": each, "assignee_id": after[each]} for each in before]
        )
        answering.list_these(list(before))
    for each, before_id in before.items():
        _note(each, before_id, after[each], user.id)
    db.session.flush()


def release(user_ids: Collection[int], team_ids: Collection[int] | None = None) -> None:
    """Makes nobody's what these users had in these teams, or (None) in any: they do not work there any more.
    Called after that is written, in the same transaction."""
    # Whoever is assigning to one of them is waited for, or waits and then sees that they are gone.
    _hold_users(user_ids, shared=False)
    inboxes = select(Inbox.id)
    if team_ids is not None:
        inboxes = inboxes.where(Inbox.team_id.in_(team_ids))
    for user_id in sorted(user_ids):
        theirs = update(Conversation).where(
            Conversation.assignee_id == user_id, Conversation.inbox_id.in_(inboxes)
        )
        released = theirs.values(assignee_id=None).returning(Conversation.id)
        for conversation_id in db.session.scalars(released).all():
            _note(conversation_id, user_id, None, None)
    db.session.flush()


def _note(conversation_id: int, before_id: int | None, after_id: int | None, user_id: int | None) -> None:
    change = AssignmentChange(
        tenant_id=tenant_in_use(),
        conversation_id=conversation_id,
        before_id=before_id,
        after_id=after_id,
        user_id=user_id,
    )
    db.session.add(change)
    for_me.assigned(conversation_id, after_id, user_id)


def _hold_users(user_ids: Collection[int], shared: bool) -> None:
    query = select(User.id).where(User.id.in_(user_ids)).order_by(User.id)
    db.session.execute(query.with_for_update(read=shared, key_share=not shared)).all()


def words_of(overtaken: Overtaken | None, found: Conversation) -> str:
    """What whoever assigned is told of somebody who had done so before; empty where nobody had."""
    if overtaken is None:
        return ""
    had = f"{overtaken.had.name} had it" if overtaken.had else "It had become nobody's"
    now = f"it is {found.assignee.name}'s" if found.assignee else "it is nobody's"
    return f"{had} since you opened this page; now {now}."
