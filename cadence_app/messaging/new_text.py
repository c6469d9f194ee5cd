"""Writing first: a text to somebody, with no conversation open.

The person joins the inbox's team where they are not in it yet, the text goes the way of one from a thread,
and all of it is one transaction. A conversation is made only for a text that goes: whoever may not be texted
gets none. What was pressed twice is one text.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent.by_user import consent_of
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Way
from cadence_app.consent.may_text import Bar, Kind
from cadence_app.contacts import service as contacts
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import bars, drafts, later
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.draft_models import What
from cadence_app.messaging.media import service as media
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Conversation, Message, MessageState, ScheduledText
from cadence_app.messaging.sending import compose

# The same press makes the same key, and no other does.
_PRESSES = uuid.UUID("6f0f3f63-5d0e-4f39-9d0a-3f1c7c1e5b52")
# Nobody who can't be texted for these is added to a team on the way.
_OF_THE_SENDER = (Bar.INBOX_CLOSED, Bar.ORGANISATION_SUSPENDED)


class Gone(Exception):
    """The contact was merged or erased meanwhile."""


@dataclass(frozen=True)
class Newcomer:
    """Somebody whom no team of the user has: a number (E.164) and names, which may be empty."""

    number: str
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True)
class Press:
    """What somebody pressed Send for: to a contact, by id, or to a newcomer. `given` says how they agreed, of
    whoever joins the team by it. `once` is the same each time that one form is sent. `draft` is which page it
    was pressed on."""

    inbox: Inbox
    to: int | Newcomer
    body: str
    once: str
    given: Given | None = None
    files: Sequence[MessageMedia] = field(default_factory=tuple)
    draft: drafts.Press = field(default_factory=drafts.Press)

    def key(self, user: User) -> str:
        """What the text is known by, so that pressing twice is one text, and other words another one."""
        digests = ",".join(each.sha256 for each in self.files)
        to = self.to.number if isinstance(self.to, Newcomer) else self.to
        parts = (user.tenant_id, user.id, self.once, self.inbox.id, to, digests, self.body)
        return str(uuid.uuid5(_PRESSES, "|".join(map(str, parts))))


@dataclass(frozen=True)
class Outcome:
    """What became of it. `message` is the text, queued or suppressed; there is none where `why_not` says why
    nothing is kept but that the person `joined`, and none where it is set for later. `again`: it is the one
    of an earlier press."""

    contact_id: int
    conversation_id: int | None = None
    message: Message | None = None
    why_not: str = ""
    joined: bool = False
    again: bool = False


def send(user: User, press: Press) -> Outcome:
    """Queues the text and commits; the caller dispatches `message` unless it is suppressed. Errors: Gone;
    Taken, TeamClosed and AgreedBefore as of contacts.join(). Nothing is written then."""
    try:
        contact_id, joined = _hold(user, press)
    except contacts.Taken:
        if before := _pressed_before(user, press):
            return before
        raise
    if before := _pressed_before(user, press):
        return before
    if stopped := _stopped(press, contact_id, joined):
        return stopped
    conversation = conversation_with(press.inbox, contact_id)
    message = compose(user, conversation, press.body)
    if message.state == MessageState.QUEUED:
        message.send_key = press.key(user)
    media.attach(message, press.files)
    if message.state != MessageState.SUPPRESSED:
        _end_draft(user, press, conversation)
    db.session.commit()
    return Outcome(contact_id, conversation.id, message, joined=joined)


def send_later(user: User, press: Press, send_at: datetime) -> Outcome:
    """Sets the text for a time (UTC) and commits. Errors: as of send()."""
    try:
        contact_id, joined = _hold(user, press)
    except contacts.Taken as taken:
        if before := _set_before(user, press, taken.contact.id, send_at):
            return before
        raise
    if before := _set_before(user, press, contact_id, send_at):
        return before
    if stopped := _stopped(press, contact_id, joined):
        return stopped
    if answer := bars.ask(press.inbox, contact_id, Kind.BY_HAND).bars:
        # There is a conversation, and nothing to keep in it.
        db.session.rollback()
        return Outcome(contact_id, why_not=bars.words_of(answer[0], press.inbox))
    conversation = conversation_with(press.inbox, contact_id)
    _end_draft(user, press, conversation)
    later.schedule_text(user, conversation, press.body, send_at)
    return Outcome(contact_id, conversation.id, joined=joined)


def _hold(user: User, press: Press) -> tuple[int, bool]:
    """Holds the contact in the inbox's team, which they join where they are not in it: their id, and whether
    they joined."""
    team = press.inbox.team
    if isinstance(press.to, Newcomer):
        new = press.to
        added = contacts.join(
            user, team, new.number, new.first_name, new.last_name, "", press.given, Way.NEW_TEXT
        )
        return added.id, True
    joins = consent_of(press.to, team.id) is None
    if joins:
        held = contacts.join_known(user, team, press.to, press.given, Way.NEW_TEXT)
    else:
        held = bool(lock_contacts([press.to]))
    if not held:
        db.session.rollback()
        raise Gone
    return press.to, joins


def _stopped(press: Press, contact_id: int, joined: bool) -> Outcome | None:
    """The outcome where the text may not go and no conversation has to know of it. Who joined has joined, but
    for what is in the way whoever they are."""
    bar = bars.ask(press.inbox, contact_id, Kind.BY_HAND).bar
    if bar is None or _conversation(press.inbox, contact_id):
        return None
    why_not = bars.words_of(bar, press.inbox)
    if bar in _OF_THE_SENDER:
        db.session.rollback()
        joined = False
    else:
        db.session.commit()
    return Outcome(contact_id, why_not=why_not, joined=joined)


def _end_draft(user: User, press: Press, conversation: Conversation) -> None:
    drafts.end(user, drafts.in_conversation(conversation, What.TEXT), press.body, press.draft)


def _conversation(inbox: Inbox, contact_id: int) -> Conversation | None:
    return db.session.scalars(
        select(Conversation).where(Conversation.inbox_id == inbox.id, Conversation.contact_id == contact_id)
    ).one_or_none()


def _pressed_before(user: User, press: Press) -> Outcome | None:
    """The outcome of an earlier press of the same, whose text is there."""
    message = db.session.scalars(select(Message).where(Message.send_key == press.key(user))).one_or_none()
    if message is None:
        return None
    outcome = Outcome(message.conversation.contact_id, message.conversation_id, message, again=True)
    db.session.rollback()
    return outcome


def _set_before(user: User, press: Press, contact_id: int, send_at: datetime) -> Outcome | None:
    """The same for a text of the same words by the same user that is set for the same time already."""
    conversation = _conversation(press.inbox, contact_id)
    if conversation is None:
        return None
    same = select(ScheduledText.id).where(
        ScheduledText.conversation_id == conversation.id,
        ScheduledText.user_id == user.id,
        ScheduledText.body == press.body,
        ScheduledText.send_at == send_at,
        ScheduledText.state.in_(later.OPEN),
    )
    if db.session.scalars(same.limit(1)).first() is None:
        return None
    outcome = Outcome(contact_id, conversation.id, again=True)
    db.session.rollback()
    return outcome
