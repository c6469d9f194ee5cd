"""What is work at the desk: which conversations wait for a reply, are snoozed, or done. The one home of the
columns that say so (Conversation in models.py), with answering_many.py; nothing else writes them.

A text that needs a reply (needs_reply.py) opens its conversation, which then waits. Only a person's own text
ends that, or Done: a campaign's text, an automatic one and a note neither answer nor change the list. A text
that had answered and does not go gives back what it took, where no later one of a person's stands.

Whoever calls holds rows in this order: text, contact, conversation. Each function holds the conversation; the
caller commits.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import and_, func, or_, select, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.desk_models import AssignmentChange, Cause, Note, StateChange
from cadence_app.messaging.models import (
    GONE_WRONG,
    Conversation,
    ConversationState,
    Direction,
    Message,
    MessageKind,
    MessageState,
    ScheduledText,
)

# What a person's texts leave in a conversation when the person is erased.
EMPTY = {
    "state": ConversationState.DONE,
    "snoozed_until": None,
    "waiting_since": None,
    "last_message_text": "",
    "unread": 0,
}
_KEPT = ("state", "snoozed_until", "listed_at", "waiting_since")
# What stands as an answer.
OWN = (
    Message.direction == Direction.OUTBOUND,
    Message.kind == MessageKind.PERSON,
    Message.user_id.is_not(None),
    Message.campaign_id.is_(None),
    Message.state.not_in(GONE_WRONG),
)


class Overtaken(Exception):
    """A text has come in that was not on the page of who pressed: the conversation stays as it is."""


class Refused(ValueError):
    """It can't be snoozed to that time; says why in words."""


def came_in(conversation: Conversation, message: Message, *, needs_reply: bool) -> None:
    """Notes a text of the contact, which is flushed. One that needs a reply waits for it since they wrote it,
    however late it came. Any other opens nothing and counts as read."""
    message.needs_reply = needs_reply
    # Who took it in holds the conversation by texted_in().
    known = conversation.listed_at is not None
    conversation.listed_at = func.clock_timestamp()
    if not needs_reply:
        return
    conversation.unread = Conversation.unread + 1
    said_at = message.provider_at or datetime.now(UTC)
    since = min(filter(None, (conversation.waiting_since, said_at)))
    _turn(conversation, ConversationState.OPEN, Cause.TEXT, since, noted=known)


def answered(conversation: Conversation, message: Message, written_at: datetime | None = None) -> None:
    """Notes a person's own text that is to go: nobody waits any more. It leaves open, snoozed or done what
    was that, but opens what was in no list. `written_at` is when it was set for later, or the time of the
    last text that its writer had seen: what the contact has written since waits on."""
    _hold(conversation)
    message.answered_since = conversation.waiting_since
    if conversation.listed_at is None:
        conversation.state, conversation.snoozed_until = ConversationState.OPEN, None
    if written_at is None or conversation.waiting_since is None:
        conversation.waiting_since = None
    else:
        conversation.waiting_since = _asked_since(conversation, written_at, message.id)
    conversation.listed_at = func.clock_timestamp()
    db.session.flush()


def unanswered(message: Message) -> None:
    """Gives back what a person's text took that does not go: it was undone, suppressed, or failed for good.
    Its state, one of GONE_WRONG, is written already. Other texts and those that took nothing change nothing;
    nor does one after which another text of a person's stands, for that has answered too."""
    _give_back(message, ConversationState.OPEN)


def _give_back(message: Message, snoozed: ConversationState) -> None:
    """As unanswered(). `snoozed` is what a snoozed conversation is then."""
    if not message.by_person or message.state not in GONE_WRONG:
        return
    conversation = message.conversation
    _hold(conversation)
    standing = select(func.max(Message.id)).where(Message.conversation_id == conversation.id, *OWN)
    last = db.session.scalars(standing).one() or 0
    # Earlier ones that did not go, and after which this one stood until now, too. What another transaction
    # holds is left: it would be given back once more, which somebody sees and does.
    taken = db.session.scalars(
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.id > last,
            Message.id <= message.id,
            Message.answered_since.is_not(None),
        )
        .with_for_update(of=Message, skip_locked=True)
    ).all()
    if not taken:
        return
    since = min(filter(None, (conversation.waiting_since, *(each.answered_since for each in taken))))
    for each in taken:
        each.answered_since = None
    state = snoozed if conversation.state == ConversationState.SNOOZED else ConversationState.OPEN
    until = conversation.snoozed_until if state == ConversationState.SNOOZED else None
    _turn(conversation, state, Cause.NOT_SENT, since, until=until)


def taken_back(message: Message) -> None:
    """Gives back what a person's own text took, as if it had never been pressed: its conversation's place in
    the list too, and its snooze. The caller holds the text, which nobody has taken up, and deletes it
    then."""
    conversation, was = message.conversation, message.state
    message.state = MessageState.SUPPRESSED
    db.session.flush()
    _give_back(message, ConversationState.SNOOZED)
    message.state = was
    _hold(conversation)
    others = (Message.conversation_id == conversation.id, Message.id != message.id)
    by_people = select(func.max(Message.created_at)).where(
        *others, or_(Message.direction == Direction.INBOUND, and_(*OWN))
    )
    last = db.session.scalars(by_people).one()
    if last or not _worked_on(conversation):
        conversation.listed_at = last
    db.session.flush()


def answered_after_all(message: Message) -> None:
    """Takes back what unanswered() gave for a text that we had lost sight of and that did go, unless the
    contact has written since."""
    if not message.by_person:
        return
    conversation = message.conversation
    _hold(conversation)
    if conversation.waiting_since and not _newer(conversation, message.id):
        message.answered_since, conversation.waiting_since = conversation.waiting_since, None
        db.session.flush()


def list_it(conversation: Conversation) -> None:
    """Puts a conversation into the list that so far only a campaign or an automatic text is in, because a
    colleague has begun to work on it."""
    list_these([conversation.id])


def list_these(ids: Collection[int]) -> None:
    """list_it() for conversations by their ids."""
    db.session.execute(
        update(Conversation)
        .where(Conversation.id.in_(ids), Conversation.listed_at.is_(None))
        .values(listed_at=func.clock_timestamp())
    )


def done(user: User, conversation: Conversation, seen_id: int) -> StateChange | None:
    """Marks a conversation done; None where it is already. `seen_id` is the id of the last text on the user's
    page. Errors: Overtaken where the contact has written since."""
    _hold(conversation)
    if _newer(conversation, seen_id):
        raise Overtaken
    return _turn(conversation, ConversationState.DONE, Cause.USER, None, user)


def snooze(user: User, conversation: Conversation, until: datetime, seen_id: int) -> StateChange | None:
    """Takes a conversation out of the way until a time (UTC): it answers nothing. Errors: Refused for a time
    that is past; Overtaken as of done()."""
    if until <= datetime.now(UTC):
        raise Refused("That time is past. Choose a later one.")
    _hold(conversation)
    if _newer(conversation, seen_id):
        raise Overtaken
    return _turn(
        conversation, ConversationState.SNOOZED, Cause.USER, conversation.waiting_since, user, until=until
    )


def reopen(user: User, conversation: Conversation) -> StateChange | None:
    """Opens what was snoozed or done; None where it is open. What Done ended waits again, unless a person has
    answered since."""
    _hold(conversation)
    since = conversation.waiting_since
    if conversation.state == ConversationState.DONE:
        last = _last_change(conversation)
        if last and last.after == ConversationState.DONE and not _answered_since(conversation, last):
            since = last.waited_since
    return _turn(conversation, ConversationState.OPEN, Cause.USER, since, user)


def wake(conversation_id: int) -> None:
    """Opens a conversation whose snooze has ended. It waits for a person, whoever spoke last: somebody wanted
    to come back to it. Commits."""
    conversation = db.session.get(Conversation, conversation_id)
    if conversation is not None:
        _hold(conversation)
        until = conversation.snoozed_until
        if until and until <= db.session.scalars(select(func.clock_timestamp())).one():
            since = conversation.waiting_since or until
            _turn(conversation, ConversationState.OPEN, Cause.SNOOZE_ENDED, since)
    db.session.commit()


def decided(conversation: Conversation, user_id: int | None, text_ids: Collection[int]) -> None:
    """The words in these texts were decided to be an opt out: they need no reply any more. What else waits
    there still does; where nothing does, it is done."""
    _hold(conversation)
    if conversation.waiting_since is None:
        return
    said_at = func.coalesce(Message.provider_at, Message.created_at)
    others = select(func.min(said_at)).where(
        Message.conversation_id == conversation.id,
        Message.needs_reply,
        Message.id.not_in(text_ids),
        said_at >= conversation.waiting_since,
    )
    since = db.session.scalars(others).one()
    if since:
        conversation.waiting_since = since
        db.session.flush()
    else:
        _turn(conversation, ConversationState.DONE, Cause.DECIDED, None, user_id=user_id)


def asked_again(conversation: Conversation, since: datetime) -> None:
    """What was decided in it is open again, so it waits for a person."""
    _hold(conversation)
    since = min(filter(None, (conversation.waiting_since, since)))
    _turn(conversation, ConversationState.OPEN, Cause.DECIDED, since)


def merge_into(kept: Conversation, gone: Conversation) -> None:
    """Two conversations become one: it is open if either is, and waits since the earlier of both."""
    for each in (kept, gone):
        _hold(each)
    states = {kept.state, gone.state}
    waits = [each.waiting_since for each in (kept, gone) if each.waiting_since]
    until = [each.snoozed_until for each in (kept, gone) if each.snoozed_until]
    order = (ConversationState.OPEN, ConversationState.SNOOZED, ConversationState.DONE)
    kept.state = next(each for each in order if each in states)
    kept.snoozed_until = min(until) if kept.state == ConversationState.SNOOZED else None
    kept.waiting_since = min(waits) if waits else None
    kept.listed_at = max((each.listed_at for each in (kept, gone) if each.listed_at), default=None)


def _turn(
    conversation: Conversation,
    state: ConversationState,
    cause: Cause,
    since: datetime | None,
    user: User | None = None,
    *,
    user_id: int | None = None,
    until: datetime | None = None,
    noted: bool = True,
) -> StateChange | None:
    """Makes a held conversation that, waiting since then, and flushes. Notes the change, if it is one."""
    change = None
    if (conversation.state, conversation.snoozed_until) != (state, until):
        change = StateChange(
            tenant_id=conversation.tenant_id,
            conversation_id=conversation.id,
            cause=cause,
            user_id=user.id if user else user_id,
            before=conversation.state,
            before_until=conversation.snoozed_until,
            waited_since=conversation.waiting_since,
            after=state,
            until=until,
        )
    conversation.state, conversation.snoozed_until, conversation.waiting_since = state, until, since
    if change and noted:
        db.session.add(change)
        if conversation.listed_at is None:
            conversation.listed_at = func.clock_timestamp()
    db.session.flush()
    return change


def _hold(conversation: Conversation) -> None:
    """Holds its row and reads what is kept here; texts may be added to it meanwhile, but none can come in."""
    lock = {"read": False, "key_share": True}
    db.session.refresh(conversation, _KEPT, with_for_update=lock)


def _newer(conversation: Conversation, seen_id: int) -> bool:
    """Whether the contact has written what is not seen. Who writes a text holds the conversation first."""
    newer = select(Message.id).where(
        Message.conversation_id == conversation.id,
        Message.id > seen_id,
        Message.direction == Direction.INBOUND,
    )
    return db.session.scalar(newer.limit(1)) is not None


def _asked_since(conversation: Conversation, at: datetime, answer_id: int) -> datetime | None:
    """When the contact wrote the first text after a time that needs a reply and that no text of a person's
    but this one has answered."""
    answer = select(func.max(Message.created_at)).where(Message.conversation_id == conversation.id, *OWN)
    answered_at = db.session.scalars(answer.where(Message.by_hand, Message.id != answer_id)).one()
    said_at = func.coalesce(Message.provider_at, Message.created_at)
    asked = select(func.min(said_at)).where(
        Message.conversation_id == conversation.id,
        Message.needs_reply,
        Message.created_at > max(at, answered_at or at),
    )
    return db.session.scalars(asked).one()


def _last_change(conversation: Conversation) -> StateChange | None:
    changes = select(StateChange).where(
        StateChange.conversation_id == conversation.id, StateChange.undone_at.is_(None)
    )
    return db.session.scalars(changes.order_by(StateChange.id.desc()).limit(1)).first()


def _worked_on(conversation: Conversation) -> bool:
    """Whether a colleague has done something in it that keeps it in the list without a text."""
    beside = (Note, AssignmentChange, ScheduledText)
    found = (select(each.id).where(each.conversation_id == conversation.id).exists() for each in beside)
    return db.session.scalars(select(or_(*found))).one()


def _answered_since(conversation: Conversation, change: StateChange) -> bool:
    """Whether a person has written to the contact since a change."""
    own = select(Message.id).where(
        Message.conversation_id == conversation.id, Message.created_at > change.created_at, *OWN
    )
    return db.session.scalar(own.limit(1)) is not None
