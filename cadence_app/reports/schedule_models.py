"""Exports that are made again and again at set times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model
from cadence_app.reports.destinations.models import Destination
from cadence_app.reports.models import Format
from cadence_app.reports.schedules import Every, Period, Timing


class ExportSchedule(Model):
    """What to export, when (schedules.py) and for whom. `owner` is who saved it last: its exports are made in
    their name. `gone_at` is since when they are no admin any more without anybody deciding what
    becomes of it, and `remind_at` when the admins are told of that again (standing/). One that is deleted
    stays, for the exports that it made."""

    __tablename__ = "export_schedules"
    __table_args__ = (
        CheckConstraint("format IN ('csv', 'xlsx')", name="format"),
        CheckConstraint("period IN ('day', 'week', 'month', 'changed', 'now')", name="period"),
        CheckConstraint("every IN ('day', 'week', 'month')", name="every"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("month_day BETWEEN 1 AND 31", name="month_day"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        Index("ix_export_schedules_due", "tenant_id", "next_run_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    format: Mapped[Format]
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    extra_columns: Mapped[list[str]] = mapped_column(JSONB)
    period: Mapped[Period]
    every: Mapped[Every]
    weekday: Mapped[int]
    month_day: Mapped[int]
    hour: Mapped[int]
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_run_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]

    owner: Mapped[User] = relationship()
    recipients: Mapped[list[User]] = relationship(
        secondary="export_schedule_recipients",
        primaryjoin="ExportSchedule.id == ExportScheduleRecipient.schedule_id",
        secondaryjoin="ExportScheduleRecipient.user_id == User.id",
        order_by="User.name",
        viewonly=True,
    )

    destinations: Mapped[list[Destination]] = relationship(
        secondary="export_schedule_destinations",
        primaryjoin="ExportSchedule.id == ExportScheduleDestination.schedule_id",
        secondaryjoin="ExportScheduleDestination.destination_id == Destination.id",
        order_by="Destination.name",
        viewonly=True,
    )

    @property
    def timing(self) -> Timing:
        return Timing(self.every, self.weekday, self.month_day, self.hour)


class ExportScheduleRecipient(Model):
    __tablename__ = "export_schedule_recipients"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("export_schedules.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))


class ExportScheduleDestination(Model):
    __tablename__ = "export_schedule_destinations"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("export_schedules.id"), primary_key=True)
    destination_id: Mapped[int] = mapped_column(ForeignKey("destinations.id"), primary_key=True, index=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
