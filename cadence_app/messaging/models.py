"""Conversations and the texts in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, func, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import Model
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.tab_indexes import orders_of_tabs


class ConversationState(StrEnum):
    """open: work, or may become it by what they write; snoozed: open again at a time; done: no work until
    they write."""

    OPEN = "open"
    SNOOZED = "snoozed"
    DONE = "done"


class Conversation(Model):
    """All texts between one inbox and one contact. What is work in it is kept by answering.py alone:
    `state`, `snoozed_until`, `waiting_since` and `listed_at`."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("inbox_id", "contact_id"),
        CheckConstraint("state IN ('open', 'snoozed', 'done')", name="state"),
        CheckConstraint("(state = 'snoozed') = (snoozed_until IS NOT NULL)", name="snoozed"),
        CheckConstraint("state <> 'done' OR waiting_since IS NULL", name="done"),
        Index(
            "ix_conversations_waiting",
            "inbox_id",
            "waiting_since",
            "id",
            postgresql_where=text("state = 'open' AND waiting_since IS NOT NULL"),
        ),
        Index(
            "ix_conversations_snoozed",
            "tenant_id",
            "snoozed_until",
            postgresql_where=text("state = 'snoozed'"),
        ),
        *orders_of_tabs(),
        Index("ix_conversations_latest", "tenant_id", "last_message_at", "id"),
        Index("ix_conversations_changed", "inbox_id", text("changed_at DESC"), text("id DESC")),
        Index("ix_conversations_assignee", "assignee_id", postgresql_where=text("assignee_id IS NOT NULL")),
        # What waits for a user is counted by it (unread_count.py).
        Index("ix_conversations_unread", "inbox_id", "assignee_id", postgresql_where=text("unread > 0")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    # The latest text of any kind; retention reads when it was.
    last_message_at: Mapped[datetime]
    last_message_text: Mapped[str] = mapped_column(default="")
    state: Mapped[ConversationState] = mapped_column(default=ConversationState.OPEN, server_default="open")
    # Set exactly while it is snoozed.
    snoozed_until: Mapped[datetime | None]
    # Its place in the list: when the contact, or a person by a text of their own, last wrote. None: so far
    # only a campaign or an automatic text is in it, and no list has it.
    listed_at: Mapped[datetime | None]
    # Since when it waits for a person: the contact's first text that nobody has answered, or the end of a
    # snooze that found none. Only a person's own text or Done ends it.
    waiting_since: Mapped[datetime | None]
    # Texts of the contact that nobody has opened yet.
    unread: Mapped[int] = mapped_column(default=0)
    # Whose it is among those who work in the inbox; nobody's without.
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # When anything in this row last changed; a trigger sets it. Open lists ask by it for what is new.
    changed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    inbox: Mapped[Inbox] = relationship()
    contact: Mapped[Contact] = relationship()
    assignee: Mapped[User | None] = relationship()


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class MessageKind(StrEnum):
    """Who wrote a text: a person (the contact or a user), or one of the automatic answers."""

    PERSON = "person"
    OPT_OUT_REPLY = "opt_out_reply"
    OPT_IN_REPLY = "opt_in_reply"
    HELP_REPLY = "help_reply"
    AWAY_REPLY = "away_reply"


class MessageState(StrEnum):
    """received (inbound); queued, sending, sent (the carrier has it), then delivered or failed; suppressed
    (consent) or dropped (too late). Whether a text in `sending` went is unknown until its worker says so or,
    after a crash, the carrier was asked or told us."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    DROPPED = "dropped"


class Unsent(StrEnum):
    """Why a text did not go, or nobody knows that it did. First the bars of consent (Bar of may_text.py has
    the same values). Then: it came too late (dropped); its campaign was cancelled, its carrier answers the
    word itself (suppressed); its carrier refused it, was too busy each time or can't be used, the answer was
    lost, or a contact's values made no text of it (failed)."""

    NOT_IN_TEAM = "not_in_team"
    INBOX_CLOSED = "inbox_closed"
    ORGANISATION_SUSPENDED = "organisation_suspended"
    NUMBER_UNSENDABLE = "number_unsendable"
    OPTED_OUT = "opted_out"
    OPTED_IN_AGAIN = "opted_in_again"
    PERSONAL_OPT_OUT = "personal_opt_out"
    CARRIER_BLOCK = "carrier_block"
    POSSIBLE_OPT_OUT = "possible_opt_out"
    TOO_LATE = "too_late"
    CANCELLED = "cancelled"
    CARRIER_ANSWERS = "carrier_answers"
    CARRIER_REFUSED = "carrier_refused"
    CARRIER_BUSY = "carrier_busy"
    CARRIER_UNUSABLE = "carrier_unusable"
    LOST_SIGHT = "lost_sight"
    NO_TEXT = "no_text"


# The states of a text that does not reach the contact.
GONE_WRONG = (MessageState.FAILED, MessageState.SUPPRESSED, MessageState.DROPPED)
# The states of a text that was handed to the carrier, whatever became of it there: what reports call sent.
SENT_STATES = (MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED)


class Message(Model):
    """One text. `detail` says in plain words why it was not delivered, or what the agent should know;
    `unsent_reason` is the first of these for code, which reads no words."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("direction IN ('inbound', 'outbound')", name="direction"),
        CheckConstraint(
            "state IN ('received', 'queued', 'sending', 'sent', 'delivered', 'failed', 'suppressed', "
            "'dropped')",
            name="state",
        ),
        CheckConstraint(
            "unsent_reason IN ('not_in_team', 'inbox_closed', 'organisation_suspended', 'number_unsendable', "
            "'opted_out', 'opted_in_again', 'personal_opt_out', 'carrier_block', 'possible_opt_out', "
            "'too_late', 'cancelled', 'carrier_answers', 'carrier_refused', 'carrier_busy', "
            "'carrier_unusable', 'lost_sight', 'no_text')",
            name="unsent_reason",
        ),
        Index("ix_messages_thread", "conversation_id", "id"),
        Index(
            "ix_messages_sent",
            "tenant_id",
            "created_at",
            postgresql_include=["inbox_id"],
            postgresql_where=text(
                "direction = 'outbound' AND kind = 'person' AND state IN ('sent', 'delivered')"
            ),
        ),
        Index("ix_messages_queued", "tenant_id", "id", postgresql_where=text("state = 'queued'")),
        # Few of each conversation: what of it has yet to go, in its order.
        Index(
            "ix_messages_going",
            "conversation_id",
            "id",
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
        Index(
            "ix_messages_outgoing",
            *("tenant_id", "inbox_id", "kind", "id"),
            postgresql_where=text("state = 'queued' AND campaign_id IS NULL"),
        ),
        Index(
            "ix_messages_unsettled",
            "tenant_id",
            text("COALESCE(next_attempt_at, sending_since)"),
            postgresql_where=text("state = 'sending' AND campaign_id IS NULL"),
        ),
        Index("ix_messages_activity", "tenant_id", "created_at"),
        Index(
            "ix_messages_unopened",
            "conversation_id",
            postgresql_where=text("direction = 'inbound' AND opened_at IS NULL"),
        ),
        Index(
            "uq_messages_provider",
            "inbox_id",
            "provider_message_id",
            unique=True,
            postgresql_where=text("provider_message_id IS NOT NULL"),
        ),
        Index(
            "ix_messages_unregistered",
            "tenant_id",
            "created_at",
            postgresql_where=text("failure_code IN ('30034', '30032')"),
        ),
        Index("ix_messages_campaign_id", "campaign_id", postgresql_where=text("campaign_id IS NOT NULL")),
        Index("uq_messages_send_key", "send_key", unique=True, postgresql_where=text("send_key IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id"))
    direction: Mapped[Direction]
    kind: Mapped[MessageKind] = mapped_column(default=MessageKind.PERSON)
    body: Mapped[str]
    state: Mapped[MessageState]
    detail: Mapped[str] = mapped_column(default="")
    unsent_reason: Mapped[Unsent | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    provider_message_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    # When the provider says it received (inbound) or delivered (outbound) the text.
    provider_at: Mapped[datetime | None]
    # The contact's other number that it came from or goes to, where that is not the one texted.
    other_number: Mapped[str | None]
    # The team whose opt out this confirms, where that is not the inbox's own.
    confirms_team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    # A queued text past this instant is dropped, not sent.
    expires_at: Mapped[datetime | None]
    # When somebody first opened an inbound text; marking it unread again changes nothing here.
    opened_at: Mapped[datetime | None]
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id"))
    # Whether somebody pressed Send for it just then. A campaign's text and one for a later time were not:
    # a possible opt out holds them.
    by_hand: Mapped[bool] = mapped_column(default=True, server_default=true())
    # What the carrier knows a text by that is handed over under its own key.
    send_key: Mapped[str | None]
    # How often the carrier was asked to take it, since when this try has been open, and when the next may be.
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    sending_since: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    # When it was decided that it may go (leaving.py), by which status, and by which row of the history.
    decided_at: Mapped[datetime | None]
    decided_standing: Mapped[str | None]
    decided_change_id: Mapped[int | None]
    # Until then whoever pressed Send for it may take it back; kept once it went (undo.py).
    held_until: Mapped[datetime | None]
    # The carrier's own code for why it failed.
    failure_code: Mapped[str] = mapped_column(default="", server_default="")
    # Of an inbound text, whether a person had to answer it (needs_reply.py).
    needs_reply: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The `waiting_since` of the conversation that this text ended, to be given back where it does not go.
    answered_since: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship()
    user: Mapped[User | None] = relationship()

    @property
    def by_person(self) -> bool:
        """Whether a user wrote it to this contact, at once or for a later time: no campaign's text, and no
        automatic one."""
        return self.direction == Direction.OUTBOUND and self.user_id is not None and self.campaign_id is None

    def end(self, state: MessageState, why: Unsent, detail: str) -> None:
        """Notes that it does not go, or that nobody knows whether it did; `detail` says so in words."""
        self.state, self.unsent_reason, self.detail = state, why, detail


class LaterState(StrEnum):
    """waiting for its time; held by a possible opt out, or missed by more than a day (a person decides);
    sent, which means that there is a message, whatever becomes of it; cancelled."""

    WAITING = "waiting"
    HELD = "held"
    MISSED = "missed"
    SENT = "sent"
    CANCELLED = "cancelled"


class ScheduledText(Model):
    """A user's text for a later time, in a conversation."""

    __tablename__ = "scheduled_texts"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'held', 'missed', 'sent', 'cancelled')", name="state"),
        Index(
            "ix_scheduled_texts_open",
            "conversation_id",
            "send_at",
            postgresql_where=text("state IN ('waiting', 'held', 'missed')"),
        ),
        Index(
            "ix_scheduled_texts_due",
            "tenant_id",
            "state",
            "send_at",
            postgresql_where=text("state IN ('waiting', 'held')"),
        ),
        Index(
            "ix_scheduled_texts_message",
            "message_id",
            postgresql_where=text("message_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str]
    send_at: Mapped[datetime]
    state: Mapped[LaterState] = mapped_column(default=LaterState.WAITING)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    conversation: Mapped[Conversation] = relationship()
    user: Mapped[User] = relationship()
