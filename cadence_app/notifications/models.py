"""Who is told by e-mail of what happens in a team."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Team
from cadence_app.extensions import Model


class Event(StrEnum):
    """What a team can be told of. A status that an import or the API sets notifies nobody."""

    STATUS_CHANGE = "status_change"
    UNKNOWN_CONTACT = "unknown_contact"
    CONTACT_ADDED = "contact_added"


class Pace(StrEnum):
    IMMEDIATE = "immediate"
    DAILY = "daily"


class NotificationRule(Model):
    """Whether, how soon and to whom a team's events of one kind are mailed.

    `cursor` is the id of the last change of the tenant's history that was considered. `digest_at` is when
    the next daily mail is due; null where the pace is immediate.
    """

    __tablename__ = "notification_rules"
    __table_args__ = (
        CheckConstraint("event IN ('status_change', 'unknown_contact', 'contact_added')", name="event"),
        CheckConstraint("pace IN ('immediate', 'daily')", name="pace"),
        CheckConstraint("(pace = 'daily') = (digest_at IS NOT NULL)", name="digest"),
        UniqueConstraint("tenant_id", "team_id", "event"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    event: Mapped[Event]
    enabled: Mapped[bool] = mapped_column(default=True)
    pace: Mapped[Pace] = mapped_column(default=Pace.IMMEDIATE)
    cursor: Mapped[int] = mapped_column(default=0)
    digest_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship()
    recipients: Mapped[list[NotificationRecipient]] = relationship(order_by="NotificationRecipient.email")

    @property
    def reached(self) -> list[NotificationRecipient]:
        return [recipient for recipient in self.recipients if recipient.unsubscribed_at is None]

    @property
    def on(self) -> bool:
        return self.enabled and bool(self.reached)


class NotificationRecipient(Model):
    """An address that a rule's mails go to: of a user or of anybody. Whoever unsubscribed stays here, so that
    nobody adds them again without their knowledge."""

    __tablename__ = "notification_recipients"
    __table_args__ = (
        Index("uq_notification_recipients_email", "rule_id", text("lower(email)"), unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    rule_id: Mapped[int] = mapped_column(ForeignKey("notification_rules.id"))
    email: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())
    unsubscribed_at: Mapped[datetime | None]
