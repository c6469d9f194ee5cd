"""What proves the history: its seals, the digests they are made of, and requests to check them.

Database triggers refuse UPDATE, DELETE and TRUNCATE on the first two.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model


class Seal(Model):
    """One closed UTC day of a tenant's history, with or without rows.

    Digests are SHA-256, 32 bytes. `version` says how they were computed (seals.py); `previous_digest` is
    that of the day before, None for a tenant's first seal.
    """

    __tablename__ = "seals"
    __table_args__ = (UniqueConstraint("tenant_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    day: Mapped[date]
    version: Mapped[int]
    rows: Mapped[int]
    rows_digest: Mapped[bytes]
    previous_digest: Mapped[bytes | None]
    digest: Mapped[bytes]
    sealed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SealedChange(Model):
    """The digest of one row of the history as it was when its day was sealed.

    `change_id` is no foreign key: the digest must outlast a row that somebody deletes.
    """

    __tablename__ = "sealed_changes"
    __table_args__ = (Index("ix_sealed_changes_day", "tenant_id", "day", "change_id"),)

    change_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    day: Mapped[date]
    digest: Mapped[bytes]


class CheckState(StrEnum):
    """queued -> running -> intact or differs; failed where the check itself could not be done."""

    QUEUED = "queued"
    RUNNING = "running"
    INTACT = "intact"
    DIFFERS = "differs"
    FAILED = "failed"


UNFINISHED_CHECKS = (CheckState.QUEUED, CheckState.RUNNING)


class SealCheck(Model):
    """An admin's request to recompute the seals, and how it went.

    `days` and `rows` count what was checked so far; `touched_at` is when a worker last said so. `problem`,
    with its day and row, is set where something differs or the check failed.
    """

    __tablename__ = "seal_checks"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'intact', 'differs', 'failed')", name="state"),
        Index("ix_seal_checks_latest", "tenant_id", text("id DESC")),
        Index(
            "uq_seal_checks_unfinished",
            "tenant_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    state: Mapped[str] = mapped_column(default=CheckState.QUEUED)
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now())
    days: Mapped[int] = mapped_column(default=0)
    days_total: Mapped[int | None]
    rows: Mapped[int] = mapped_column(default=0)
    last_day: Mapped[date | None]
    last_digest: Mapped[bytes | None]
    problem: Mapped[str] = mapped_column(default="")
    problem_day: Mapped[date | None]
    problem_change_id: Mapped[int | None]
    finished_at: Mapped[datetime | None]

    requested_by: Mapped[User] = relationship()

    @property
    def unfinished(self) -> bool:
        return self.state in UNFINISHED_CHECKS
