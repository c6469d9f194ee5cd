"""What a row of the list shows besides the conversation: who spoke last and what became of it, and whether
anything can be sent there at all. Two statements for a page, however many rows it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_login import current_user
from sqlalchemy import Row as Result
from sqlalchemy import and_, func, or_, select, true

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import may_text
from cadence_app.consent.may_text import Bar, InboxFacts, Kind, Stored, TenantFacts, Text
from cadence_app.consent.models import Consent
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind, MessageState

# Why nothing can be sent, after "Can't reply: ".
_WORDS = {
    Bar.NOT_IN_TEAM: "not in the {team}",
    Bar.INBOX_CLOSED: "inbox closed",
    Bar.ORGANISATION_SUSPENDED: "organization suspended",
    Bar.NUMBER_UNSENDABLE: "number needs mending",
    Bar.OPTED_OUT: "opted out",
    Bar.PERSONAL_OPT_OUT: "opted out of personal inboxes",
    Bar.CARRIER_BLOCK: "blocked by the carrier",
}
_WAITING = (MessageState.QUEUED, MessageState.SENDING)
_UNSENT = (MessageState.FAILED, MessageState.SUPPRESSED, MessageState.DROPPED)


@dataclass(frozen=True)
class Said:
    """The text that a row shows: a person's last, or the last of any kind where nobody has written yet.
    `who` wrote it, empty for the contact."""

    text_id: int
    who: str
    body: str
    state: MessageState
    at: datetime

    @property
    def waiting(self) -> bool:
        return self.state in _WAITING

    @property
    def unsent(self) -> bool:
        return self.state in _UNSENT


@dataclass(frozen=True)
class Row:
    """A conversation of the list with the status of its contact, the day by which a possible opt out must be
    decided, what was said last (None where nothing was), and the bar to any text of a person's."""

    conversation: Conversation
    status: str | None
    due_on: date | None
    said: Said | None
    bar: Bar | None

    @property
    def words(self) -> str:
        """What the row quotes. A text of files alone has no words of its own; while it is the latest, the
        conversation has what it is called."""
        latest = self.said is None or self.said.at >= self.conversation.last_message_at
        if self.said and self.said.body:
            return self.said.body
        return self.conversation.last_message_text if latest else "Picture or file"

    @property
    def seen(self) -> int:
        """The id of the last text that whoever has the row before them has seen."""
        return self.said.text_id if self.said else 0

    def cannot(self, team: str) -> str:
        """Why nothing can be sent, empty where it can; `team` is the tenant's word for one."""
        return _WORDS.get(self.bar, "").format(team=team) if self.bar else ""


def rows_of(found: Sequence[Result[Conversation, str | None, date | None]]) -> list[Row]:
    """The rows of these conversations, each with its contact's status and the day a flag is due."""
    ids = [row[0].id for row in found]
    if not ids:
        return []
    said, stored = _said(ids), _stored(ids)
    suspended = db.session.get_one(Tenant, found[0][0].tenant_id).suspended_at is not None
    rows = []
    for conversation, status, due_on in found:
        inbox = conversation.inbox
        facts = InboxFacts(inbox.id, inbox.team_id, inbox.personal, closed=inbox.closed_at is not None)
        bars = may_text.decide(Text(facts, TenantFacts(suspended), Kind.BY_HAND), stored[conversation.id])
        rows.append(Row(conversation, status, due_on, said.get(conversation.id), bars[0] if bars else None))
    return rows


def _said(ids: Sequence[int]) -> dict[int, Said]:
    """By lateral joins, each a step back in the index of a thread: nothing is read of the texts before."""
    by_person = or_(
        Message.direction == Direction.INBOUND,
        and_(
            Message.kind == MessageKind.PERSON,
            Message.user_id.is_not(None),
            Message.campaign_id.is_(None),
        ),
    )
    last = _last(by_person)
    other = _last(Conversation.listed_at.is_(None))
    columns = [
        func.coalesce(last.c[name], other.c[name]).label(name)
        for name in ("id", "direction", "kind", "body", "state", "user_id", "campaign_id", "created_at")
    ]
    query = (
        select(Conversation.id.label("conversation_id"), *columns, User.name.label("user"))
        .select_from(Conversation)
        .outerjoin(last, true())
        .outerjoin(other, true())
        .outerjoin(User, User.id == func.coalesce(last.c.user_id, other.c.user_id))
        .where(Conversation.id.in_(ids))
    )
    return {
        row.conversation_id: Said(row.id, who_wrote(row), row.body, MessageState(row.state), row.created_at)
        for row in db.session.execute(query)
        if row.id is not None
    }


def _last(condition: Any) -> Any:
    query = select(
        *(Message.id, Message.direction, Message.kind, Message.body, Message.state),
        *(Message.user_id, Message.campaign_id, Message.created_at),
    ).where(Message.conversation_id == Conversation.id, condition)
    return query.order_by(Message.id.desc()).limit(1).correlate(Conversation).lateral()


def who_wrote(row: Any) -> str:
    """Who a text is from, for the row of a list: empty for the contact. `row` has what is read of it, and the
    name of its `user`."""
    if row.direction == Direction.INBOUND:
        return ""
    if row.campaign_id is not None:
        return "Campaign"
    if row.kind != MessageKind.PERSON:
        return "Automatic"
    if current_user and row.user_id == current_user.id:
        return "You"
    return (row.user or "").split(" ")[0] or "A colleague"


def _stored(ids: Sequence[int]) -> dict[int, Stored]:
    """What is stored of each contact as far as a text by hand hangs on it (consent/may_text.py)."""
    inbox: Any = Inbox
    of_many = InboxFacts(inbox.id, inbox.team_id, personal=False, closed=False)
    text = Text(of_many, TenantFacts(suspended=False), Kind.BY_HAND)
    columns = may_text.columns_of(
        text, Conversation.contact_id, Contact.number.expression, Consent.status.expression
    )
    query = (
        select(Conversation.id, *(value.label(name) for name, value in vars(columns).items()))
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .outerjoin(
            Consent, (Consent.contact_id == Conversation.contact_id) & (Consent.team_id == Inbox.team_id)
        )
        .where(Conversation.id.in_(ids))
    )
    return {row[0]: Stored(*row[1:]) for row in db.session.execute(query)}
