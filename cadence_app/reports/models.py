"""Requests for a report file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model
from cadence_app.reports.destinations.models import Destination


class ExportState(StrEnum):
    """queued -> running (the file is written) -> mailing (the file is there; the mail or a destination waits
    for it) -> sent (every way that was chosen has it)."""

    QUEUED = "queued"
    RUNNING = "running"
    MAILING = "mailing"
    SENT = "sent"
    FAILED = "failed"


UNFINISHED = (ExportState.QUEUED, ExportState.RUNNING, ExportState.MAILING)


class Format(StrEnum):
    """What the file is; also the end of its name."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def mimetype(self) -> str:
        return _MIMETYPES[self]


_MIMETYPES = {
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Delivery(StrEnum):
    """How the mail carries the file: as it is, packed, or as a link."""

    CSV = "csv"
    XLSX = "xlsx"
    ZIP = "zip"
    LINK = "link"


_EVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


class Export(Model):
    """One request for a file by e-mail: the only record of it that counts (a lost job is queued again).

    `start_date` and `end_date` are whole days in `time_zone`, both included; `starts_at` and `ends_at`
    are the same range in UTC, the end excluded. `filters` are those of filters.py that were set,
    `extra_columns` the names of a kind's extra columns. `size` is in bytes. `left_out` counts the rows that
    the file tells of as left out (Kind.left_out()).

    A schedule's export has its `schedule_id`, and `scheduled_for` unless somebody pressed Send now. One of
    only what changed since another file holds the history's rows after `after_change_id`, up to and with
    `up_to_change_id`, whatever their days; its range runs from when the file before it was asked for.
    """

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'mailing', 'sent', 'failed')", name="state"),
        CheckConstraint("end_date >= start_date", name="range"),
        CheckConstraint("format IN ('csv', 'xlsx')", name="format"),
        CheckConstraint("up_to_change_id >= after_change_id", name="changes"),
        Index(
            "uq_exports_run",
            "schedule_id",
            "scheduled_for",
            unique=True,
            postgresql_where=text("scheduled_for IS NOT NULL"),
        ),
        Index("ix_exports_schedule", "schedule_id", "id"),
        Index("ix_exports_latest", "tenant_id", text("id DESC")),
        Index(
            "ix_exports_unfinished",
            "tenant_id",
            "next_attempt_at",
            postgresql_where=text("state IN ('queued', 'running', 'mailing')"),
        ),
        Index("ix_exports_expiring", "tenant_id", "expires_at", postgresql_where=text("file_key <> ''")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    format: Mapped[Format] = mapped_column(default=Format.CSV, server_default="csv")
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    extra_columns: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    start_date: Mapped[date]
    end_date: Mapped[date]
    time_zone: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[ExportState] = mapped_column(default=ExportState.QUEUED)
    rows_total: Mapped[int | None]
    rows_written: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0, server_default="0")
    size: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(default="")
    file_key: Mapped[str] = mapped_column(default="")
    delivery: Mapped[Delivery | Literal[""]] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    problem: Mapped[str] = mapped_column(default="")
    finished_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("export_schedules.id"))
    scheduled_for: Mapped[datetime | None]
    after_change_id: Mapped[int | None]
    up_to_change_id: Mapped[int | None]

    requested_by: Mapped[User] = relationship()
    recipients: Mapped[list[ExportRecipient]] = relationship(order_by="ExportRecipient.user_id")
    deliveries: Mapped[list[ExportDelivery]] = relationship(
        order_by="ExportDelivery.destination_id", back_populates="export"
    )

    @property
    def unfinished(self) -> bool:
        return self.state in UNFINISHED

    @property
    def mailed(self) -> bool:
        """Whether the mail reached anybody, or nobody it is for may have it any more."""
        wanted = [each for each in self.recipients if each.sent_at or each.user.may_export]
        return not wanted or any(each.sent_at for each in wanted)

    @property
    def delivered(self) -> bool:
        """Whether every way that was chosen, the mail and each destination, has the file."""
        missing = {DeliveryState.WAITING, DeliveryState.FAILED}
        return self._reached and self.mailed and not missing & {each.state for each in self.deliveries}

    @property
    def half_delivered(self) -> bool:
        """Whether some way has the file and another does not."""
        return self._reached and not self.delivered

    @property
    def _reached(self) -> bool:
        mails = any(recipient.sent_at for recipient in self.recipients)
        return mails or any(delivery.delivered_at for delivery in self.deliveries)

    @property
    def changes(self) -> tuple[int, int] | None:
        """The ids of the history's rows that it holds: after the first, up to and with the second."""
        if self.after_change_id is None or self.up_to_change_id is None:
            return None
        return self.after_change_id, self.up_to_change_id

    @property
    def parameters(self) -> dict[str, Any]:
        """What the query of its kind may ask (kinds/base.py)."""
        # Of rows that are chosen by their ids, any day will do.
        return {
            "starts_at": _EVER[0] if self.changes else self.starts_at,
            "ends_at": _EVER[1] if self.changes else self.ends_at,
            "time_zone": self.time_zone,
            "requested_by_id": self.requested_by_id,
        }

    @property
    def file_name(self) -> str:
        return f"{self.kind}-{self.start_date}-to-{self.end_date}.{self.format}"


class ExportRecipient(Model):
    """A user whom an export is mailed to: until it is sent there, or `problem` says why it never will be."""

    __tablename__ = "export_recipients"

    export_id: Mapped[int] = mapped_column(ForeignKey("exports.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    sent_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship()

    @property
    def waiting(self) -> bool:
        return self.sent_at is None and not self.problem


class DeliveryState(StrEnum):
    """`dropped`: the destination is not wanted for this file any more."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


class ExportDelivery(Model):
    """A destination that an export is delivered to, and the name that the file has there. `problem` says why
    the last try failed; `tell_at` is when the admins are to be told that all of them did."""

    __tablename__ = "export_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'dropped')", name="state"),
        Index(
            "ix_export_deliveries_tell", "tenant_id", "tell_at", postgresql_where=text("tell_at IS NOT NULL")
        ),
    )

    export_id: Mapped[int] = mapped_column(ForeignKey("exports.id"), primary_key=True)
    destination_id: Mapped[int] = mapped_column(ForeignKey("destinations.id"), primary_key=True, index=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    file_name: Mapped[str]
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")
    delivered_at: Mapped[datetime | None]
    tell_at: Mapped[datetime | None]

    export: Mapped[Export] = relationship(back_populates="deliveries")
    destination: Mapped[Destination] = relationship()

    @property
    def waiting(self) -> bool:
        return self.state == DeliveryState.WAITING
