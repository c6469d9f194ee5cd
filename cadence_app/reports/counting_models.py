"""What each closed day of an organisation was counted to be, so that a report of a year reads no text of it.

Nothing here is of a contact. What keeps it right is in counting.py; what notes a late change are triggers on
the texts and the changes (migration 0066).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.consent.models import Source, Status
from cadence_app.extensions import Model


class DayCounting(Model):
    """How far an organisation's days are counted, as days of a zone.

    Who changes anything of before `noted_until` leaves a DayToRecount, except transactions that may have
    begun before that was known: their numbers are up to `noted_before`. The days before `counted_until` are
    counted."""

    __tablename__ = "day_counting"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    time_zone: Mapped[str]
    noted_until: Mapped[datetime]
    noted_before: Mapped[int | None]
    counted_until: Mapped[datetime]


class DayToRecount(Model):
    """Something was changed between these instants. Only ever added and deleted."""

    __tablename__ = "days_to_recount"
    __table_args__ = (Index("ix_days_to_recount_hour", "tenant_id", "starts_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class CountedTexts(Model):
    """The texts of a day in one inbox that one user wrote, or nobody did, for one campaign or none. What is
    counted says activity.py; `failed` of the sent ones did not arrive."""

    __tablename__ = "counted_texts"
    __table_args__ = (Index("ix_counted_texts_day", "tenant_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    day: Mapped[date]
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    automatic: Mapped[bool]
    sent: Mapped[int]
    failed: Mapped[int]
    delivered: Mapped[int]
    replied: Mapped[int]
    received: Mapped[int]
    unread: Mapped[int]


class CountedChanges(Model):
    """The opt-out changes of a day in one team, of one source and status, by one user or none."""

    __tablename__ = "counted_changes"
    __table_args__ = (Index("ix_counted_changes_day", "tenant_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    day: Mapped[date]
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    source: Mapped[Source]
    status: Mapped[Status]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    changes: Mapped[int]
