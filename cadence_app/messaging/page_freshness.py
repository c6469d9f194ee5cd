"""Whether an open page still shows how things stand: a short version of what it shows, read by one query.

Hundreds of pages ask every few seconds, so these read a few rows by an index, however many there are. They
need no Redis.
"""

from __future__ import annotations

from sqlalchemy import ScalarSelect, Text, cast, func, lateral, literal, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from cadence_app.accounts.models import User
from cadence_app.consent.models import Block, Consent, Decision, OptOutChange, PossibleOptOut
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.desk import THREAD_LENGTH
from cadence_app.messaging.desk_models import AssignmentChange, Note
from cadence_app.messaging.for_me_models import ForMe
from cadence_app.messaging.later import OPEN
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Conversation, Message, ScheduledText

# So many of those that changed last stand for an inbox. One that changed earlier and was committed later
# shows too, unless more than this changed in between.
_LATEST = 10


def conversation_version(user: User, conversation_id: int) -> str | None:
    """Changes whenever the texts shown, their files, the notes, whose it is, what is set for later, or the
    contact's status, flag or blocks do. None where the user may not see the conversation."""
    parts = [_texts(), _files(), _later(), _consent(), _flag(), _blocks()]
    parts += [_newest(Note), _newest(AssignmentChange)]
    query = (
        select(func.md5(func.concat_ws("|", *(func.coalesce(part, "") for part in parts))))
        .select_from(Conversation)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .where(Conversation.id == conversation_id, visible_to(user), Contact.gone_at.is_(None))
    )
    return db.session.scalar(query)


def lists_version(user: User) -> str:
    """Changes whenever a conversation in the user's inboxes does, a status, what waits to be decided, or what
    is for the user."""
    latest = lateral(
        select(Conversation.id, Conversation.changed_at)
        .where(Conversation.inbox_id == Inbox.id)
        .order_by(Conversation.changed_at.desc(), Conversation.id.desc())
        .limit(_LATEST)
    )
    line = func.concat(latest.c.id, " ", latest.c.changed_at)
    conversations = (
        select(func.string_agg(line, aggregate_order_by(literal(","), latest.c.id)))
        .select_from(Inbox)
        .join(latest, true())
        .where(visible_to(user))
        .scalar_subquery()
    )
    change = select(func.max(OptOutChange.id)).where(OptOutChange.tenant_id == user.tenant_id)
    flags = select(func.concat(func.count(), " ", func.max(PossibleOptOut.message_id))).where(
        PossibleOptOut.tenant_id == user.tenant_id, PossibleOptOut.decision == Decision.OPEN
    )
    # What is for them, and what they saw of it on another page.
    mine = select(func.concat(func.max(ForMe.id), " ", func.count(ForMe.seen_at), " ", func.count())).where(
        ForMe.user_id == user.id
    )
    parts = (
        conversations,
        *(cast(change.scalar_subquery(), Text), flags.scalar_subquery(), mine.scalar_subquery()),
    )
    version: str = db.session.scalars(
        select(func.md5(func.concat_ws("|", *(func.coalesce(part, "") for part in parts))))
    ).one()
    return version


def _texts() -> ScalarSelect[str]:
    shown = (
        select(Message.id, Message.state, Message.detail)
        .where(Message.conversation_id == Conversation.id)
        .order_by(Message.id.desc())
        .limit(THREAD_LENGTH)
        .correlate(Conversation)
        .subquery()
    )
    line = func.concat(shown.c.id, shown.c.state, func.length(shown.c.detail))
    return select(func.string_agg(line, aggregate_order_by(literal(","), shown.c.id))).scalar_subquery()


def _files() -> ScalarSelect[str]:
    """How many are still being fetched."""
    return (
        select(cast(func.count(), Text))
        .select_from(MessageMedia)
        .join(Message, Message.id == MessageMedia.message_id)
        .where(MessageMedia.next_attempt_at.is_not(None), Message.conversation_id == Conversation.id)
        .correlate(Conversation)
        .scalar_subquery()
    )


def _later() -> ScalarSelect[str]:
    line = func.concat(ScheduledText.id, ScheduledText.state, ScheduledText.send_at)
    return (
        select(func.string_agg(line, aggregate_order_by(literal(","), ScheduledText.id)))
        .where(ScheduledText.conversation_id == Conversation.id, ScheduledText.state.in_(OPEN))
        .correlate(Conversation)
        .scalar_subquery()
    )


def _consent() -> ScalarSelect[str]:
    return (
        select(cast(Consent.change_id, Text))
        .where(Consent.contact_id == Conversation.contact_id, Consent.team_id == Inbox.team_id)
        .correlate(Conversation, Inbox)
        .scalar_subquery()
    )


def _flag() -> ScalarSelect[str]:
    return (
        select(func.concat(PossibleOptOut.id, " ", PossibleOptOut.message_id))
        .where(
            PossibleOptOut.contact_id == Conversation.contact_id,
            PossibleOptOut.team_id == Inbox.team_id,
            PossibleOptOut.decision == Decision.OPEN,
        )
        .correlate(Conversation, Inbox)
        .scalar_subquery()
    )


def _blocks() -> ScalarSelect[str]:
    return (
        select(func.string_agg(cast(Block.id, Text), aggregate_order_by(literal(","), Block.id)))
        .where(Block.contact_id == Conversation.contact_id)
        .correlate(Conversation)
        .scalar_subquery()
    )


def _newest(table: type[Note | AssignmentChange]) -> ScalarSelect[str]:
    """How many there are, for notes can be deleted, and the newest."""
    return (
        select(func.concat(func.count(), " ", func.max(table.id)))
        .where(table.conversation_id == Conversation.id)
        .correlate(Conversation)
        .scalar_subquery()
    )
