"""What proves the history: its seals, the digests they are made of, the record of what was erased or purged,
and requests to check them.

Database triggers refuse UPDATE, DELETE and TRUNCATE on the first three.
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
    that of the day before, None for a tenant's first seal. `retired` counts the rows, of whatever day, that
    were erased or purged on this one, and `retired_digest` is over them; None where none were. `evidence`
    counts the rows of evidence recorded on the day and `retired_evidence` those, of whatever day, that were
    erased or purged on it, each with a digest; None where none were.
    """

    __tablename__ = "seals"
    __table_args__ = (UniqueConstraint("tenant_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    day: Mapped[date]
    version: Mapped[int]
    rows: Mapped[int]
    rows_digest: Mapped[bytes]
    retired: Mapped[int] = mapped_column(default=0, server_default="0")
    retired_digest: Mapped[bytes | None]
    evidence: Mapped[int] = mapped_column(default=0, server_default="0")
    evidence_digest: Mapped[bytes | None]
    retired_evidence: Mapped[int] = mapped_column(default=0, server_default="0")
    retired_evidence_digest: Mapped[bytes | None]
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


class Retirement(StrEnum):
    """What became of a row: its personal columns were replaced, or it is gone."""

    ERASED = "erased"
    PURGED = "purged"


class RetiredChange(Model):
    """That a row of the history was erased or purged: when, by whom and why.

    Only the database's functions erase_changes() and purge_changes() write it. `day` and `digest` are the
    UTC day and the row digest of the row as it was written, `replaced` its digest since, None where it is
    gone. The day of `retired_at` is sealed with it.
    """

    __tablename__ = "retired_changes"
    __table_args__ = (
        CheckConstraint("how IN ('erased', 'purged')", name="how"),
        CheckConstraint("(how = 'purged') = (replaced IS NULL)", name="replaced"),
        UniqueConstraint("change_id", "how"),
        Index("ix_retired_changes_day", "tenant_id", "day", "change_id"),
        Index("ix_retired_changes_retired", "tenant_id", "retired_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    change_id: Mapped[int]
    day: Mapped[date]
    digest: Mapped[bytes]
    how: Mapped[Retirement]
    retired_at: Mapped[datetime] = mapped_column(server_default=func.statement_timestamp())
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    user_name: Mapped[str]
    reason: Mapped[str]
    replaced: Mapped[bytes | None]

    @property
    def said(self) -> str:
        """What it is of, to a person."""
        return f"Row {self.change_id}"


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

    `days`, `rows` and `evidence` count what was checked so far; `touched_at` is when a worker last said so.
    `problem`, with its day and row, of the history or of evidence, is set where something differs or the
    check failed.
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
    state: Mapped[CheckState] = mapped_column(default=CheckState.QUEUED)
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now())
    days: Mapped[int] = mapped_column(default=0)
    days_total: Mapped[int | None]
    rows: Mapped[int] = mapped_column(default=0)
    evidence: Mapped[int] = mapped_column(default=0, server_default="0")
    last_day: Mapped[date | None]
    last_digest: Mapped[bytes | None]
    problem: Mapped[str] = mapped_column(default="")
    problem_day: Mapped[date | None]
    problem_change_id: Mapped[int | None]
    problem_evidence_id: Mapped[int | None]
    finished_at: Mapped[datetime | None]

    requested_by: Mapped[User] = relationship()

    @property
    def unfinished(self) -> bool:
        return self.state in UNFINISHED_CHECKS
