"""Campaigns, and whom each of them texts or leaves out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Team, User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import Model
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Message


class CampaignState(StrEnum):
    """draft, then scheduled or sending; a scheduled one that was missed by more than a day waits for a
    person (missed)."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    MISSED = "missed"
    SENDING = "sending"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"


# Those whose text, time and people can still be changed.
EDITABLE = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.MISSED)


class Campaign(Model):
    """One text to many contacts of a team, from one of its shared inboxes.

    `segment` is a Segment as segments.py stores it, `checked` what checklist.py found when somebody pressed
    Send or set its time. `wake_at` is when the sweep must see to a campaign: the
    time it is set for, the next end of somebody's quiet hours, or a moment by which a worker that is alive
    would have moved it on.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'scheduled', 'missed', 'sending', 'paused', 'cancelled', 'finished')",
            name="state",
        ),
        Index("ix_campaigns_latest", "tenant_id", text("id DESC")),
        Index(
            "ix_campaigns_due",
            "tenant_id",
            "wake_at",
            postgresql_where=text("wake_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id"))
    # Who sends it: the texts are theirs.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    body: Mapped[str]
    segment: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[CampaignState] = mapped_column(default=CampaignState.DRAFT)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    send_at: Mapped[datetime | None]
    wake_at: Mapped[datetime | None]
    checked: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship()
    inbox: Mapped[Inbox] = relationship()
    user: Mapped[User] = relationship()

    @property
    def editable(self) -> bool:
        return self.state in EDITABLE


class RecipientState(StrEnum):
    """left_out before it began; else waiting, sending, sent (the carrier has it), and then what became of
    the text."""

    LEFT_OUT = "left_out"
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why somebody is left out, in the order in which it is asked: the bars that a campaign's text can meet
    (Bar of consent/may_text.py, by the same values), and that they are in the list already."""

    NOT_IN_TEAM = "not_in_team"
    DUPLICATE = "duplicate"
    INBOX_CLOSED = "inbox_closed"
    ORGANISATION_SUSPENDED = "organisation_suspended"
    NUMBER_UNSENDABLE = "number_unsendable"
    OPTED_OUT = "opted_out"
    PERSONAL_OPT_OUT = "personal_opt_out"
    CARRIER_BLOCK = "carrier_block"
    POSSIBLE_OPT_OUT = "possible_opt_out"


class Recipient(Model):
    """One whom a campaign texts, or leaves out for a `reason`.

    `entry` is what was pasted, where it was; one that names nobody in the team has no contact. `zones` are
    the time zones that the number may be in, with a space between (quiet_hours.py). `answered_at` is when
    they first answered its text (answers.py).
    """

    __tablename__ = "campaign_recipients"
    __table_args__ = (
        CheckConstraint(
            "state IN ('left_out', 'waiting', 'sending', 'sent', 'delivered', 'failed', 'suppressed', "
            "'cancelled')",
            name="state",
        ),
        CheckConstraint("(state = 'left_out') = (reason <> '')", name="reason"),
        Index("ix_campaign_recipients_state", "campaign_id", "state", "reason", "id"),
        Index(
            "ix_campaign_recipients_waiting",
            "campaign_id",
            "zones",
            "id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "uq_campaign_recipients_contact",
            "campaign_id",
            "contact_id",
            unique=True,
            postgresql_where=text("state <> 'left_out'"),
        ),
        Index(
            "uq_campaign_recipients_message",
            "message_id",
            unique=True,
            postgresql_where=text("message_id IS NOT NULL"),
        ),
        # Which campaign texted somebody last.
        Index(
            "ix_campaign_recipients_texts",
            "contact_id",
            "message_id",
            postgresql_where=text("message_id IS NOT NULL"),
        ),
        Index(
            "ix_campaign_recipients_answered",
            "campaign_id",
            text("answered_at DESC"),
            text("id DESC"),
            postgresql_where=text("answered_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    # The campaign's; without a foreign key of its own, whose check would be a third of a preview's time.
    tenant_id: Mapped[int]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    entry: Mapped[str] = mapped_column(default="")
    state: Mapped[RecipientState]
    reason: Mapped[Reason | Literal[""]] = mapped_column(default="")
    zones: Mapped[str] = mapped_column(default="")
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]

    contact: Mapped[Contact | None] = relationship()
    message: Mapped[Message | None] = relationship()
