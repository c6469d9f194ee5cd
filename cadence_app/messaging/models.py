"""Inboxes, conversations and the texts in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Team, User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import Model


class InboxKind(StrEnum):
    SHARED = "shared"
    PERSONAL = "personal"


class Inbox(Model):
    """A phone number (E.164) a team texts from: the whole team's, or one user's in the team."""

    __tablename__ = "inboxes"
    __table_args__ = (
        CheckConstraint("(kind = 'personal') = (user_id IS NOT NULL)", name="owner"),
        CheckConstraint("kind IN ('shared', 'personal')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(default=InboxKind.SHARED)
    name: Mapped[str]
    number: Mapped[str] = mapped_column(unique=True)
    provider: Mapped[str] = mapped_column(default="simulator")
    # Nothing goes out of a closed inbox; what comes in is recorded all the same.
    closed_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship()
    user: Mapped[User | None] = relationship()

    @property
    def personal(self) -> bool:
        return self.kind == InboxKind.PERSONAL


class Conversation(Model):
    """All texts between one inbox and one contact."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("inbox_id", "contact_id"),
        Index("ix_conversations_latest", "inbox_id", text("last_message_at DESC"), text("id DESC")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    last_message_at: Mapped[datetime]
    last_message_text: Mapped[str] = mapped_column(default="")
    # Texts of the contact that nobody has opened yet.
    unread: Mapped[int] = mapped_column(default=0)

    inbox: Mapped[Inbox] = relationship()
    contact: Mapped[Contact] = relationship()


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class MessageKind(StrEnum):
    """Who wrote a text: a person (the contact or a user), or one of the automatic answers."""

    PERSON = "person"
    OPT_OUT_REPLY = "opt_out_reply"
    OPT_IN_REPLY = "opt_in_reply"
    HELP_REPLY = "help_reply"


class MessageState(StrEnum):
    """received (inbound); queued, then delivered, failed, suppressed (consent) or dropped (too late)."""

    RECEIVED = "received"
    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    DROPPED = "dropped"


# The states of a text that was handed to the carrier, whatever became of it there: what reports call sent.
SENT_STATES = (MessageState.DELIVERED, MessageState.FAILED)


class Message(Model):
    """One text. `detail` says in plain words why it was not delivered, or what the agent should know."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("direction IN ('inbound', 'outbound')", name="direction"),
        CheckConstraint(
            "state IN ('received', 'queued', 'delivered', 'failed', 'suppressed', 'dropped')", name="state"
        ),
        Index("ix_messages_thread", "conversation_id", "id"),
        Index(
            "ix_messages_sent",
            "tenant_id",
            "created_at",
            postgresql_include=["inbox_id"],
            postgresql_where=text("direction = 'outbound' AND kind = 'person' AND state = 'delivered'"),
        ),
        Index("ix_messages_queued", "tenant_id", "id", postgresql_where=text("state = 'queued'")),
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
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id"))
    direction: Mapped[str]
    kind: Mapped[str] = mapped_column(default=MessageKind.PERSON)
    body: Mapped[str]
    state: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    provider_message_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    # When the provider says it received (inbound) or delivered (outbound) the text.
    provider_at: Mapped[datetime | None]
    # The contact's other number that it came from or goes to, where that is not the one texted.
    other_number: Mapped[str | None]
    # A queued text past this instant is dropped, not sent.
    expires_at: Mapped[datetime | None]
    # When somebody first opened an inbound text; marking it unread again changes nothing here.
    opened_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship()
    user: Mapped[User | None] = relationship()
