"""Imports: the request, its rows while they wait to be applied, and how each of them went."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model


class ImportState(StrEnum):
    """draft (columns are being chosen) -> checking -> ready (the preview is there) -> importing -> done.

    A file that can't be read goes back to draft and says why in `problem`.
    """

    DRAFT = "draft"
    CHECKING = "checking"
    READY = "ready"
    IMPORTING = "importing"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


WORKING = (ImportState.CHECKING, ImportState.IMPORTING)
ENDED = (ImportState.DONE, ImportState.CANCELLED, ImportState.FAILED)


class Result(StrEnum):
    """What became of a row. WAITING: it needs a number that its owner gives up further down in the file."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    WAITING = "waiting"


class Import(Model):
    """One file and what was done with it: the only record that counts (a lost job is queued again).

    `options` is how the file is read (Options in reading.py), `columns` one target (mapping.py) for each of
    its columns, `headers` their names; `default_teams` are the ids of the teams of rows that name none.
    `stop_reason` is the written reason for opting in people who had stopped by their own text; empty where
    that was not ticked. `area_code` is added to the `local_numbers` that have seven digits only, where
    somebody chose so. `rows_total` and `rows_done` are of the check or the import at hand; the counts are
    of the last one. `file_key` and `result_key` are in storage (files.py) until `expires_at`.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'checking', 'ready', 'importing', 'done', 'cancelled', 'failed')",
            name="state",
        ),
        Index("ix_imports_latest", "tenant_id", text("id DESC")),
        Index(
            "ix_imports_working",
            "tenant_id",
            "touched_at",
            postgresql_where=text("state IN ('checking', 'importing')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    file_name: Mapped[str]
    file_key: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    headers: Mapped[list[str]] = mapped_column(JSONB, default=list)
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    default_teams: Mapped[list[int]] = mapped_column(JSONB, default=list)
    state: Mapped[str] = mapped_column(default=ImportState.DRAFT)
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    stop_reason: Mapped[str] = mapped_column(default="")
    area_code: Mapped[str] = mapped_column(default="", server_default="")
    local_numbers: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_new: Mapped[int] = mapped_column(default=0)
    rows_updated: Mapped[int] = mapped_column(default=0)
    rows_unchanged: Mapped[int] = mapped_column(default=0)
    rows_refused: Mapped[int] = mapped_column(default=0)
    statuses_changed: Mapped[int] = mapped_column(default=0)
    opt_ins_held: Mapped[int] = mapped_column(default=0)
    # The line up to which the import is applied; none before its first batch.
    applied_to: Mapped[int | None]
    result_key: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship()

    @property
    def working(self) -> bool:
        return self.state in WORKING

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def worth_starting(self) -> bool:
        """Whether the check found anything that importing could change."""
        return self.state == ImportState.READY and bool(self.rows_new + self.rows_updated + self.opt_ins_held)


class ImportRow(Model):
    """One row of a file, read and understood; kept until the import has ended.

    `line` is that of the file. Empty text and no `status` mean: keep what is there. `custom` is as in
    Contact.custom. `problems` are [column number from 0, what is wrong]; a row that has any is refused.
    """

    __tablename__ = "import_rows"
    __table_args__ = (
        Index(
            "ix_import_rows_external_id",
            "import_id",
            "external_id",
            postgresql_where=text("external_id <> ''"),
        ),
    )

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    external_id: Mapped[str]
    number: Mapped[str]
    team_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    status: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    custom: Mapped[dict[str, str]] = mapped_column(JSONB)
    problems: Mapped[list[Any]] = mapped_column(JSONB)


class ImportOutcome(Model):
    """What became of a row, in the check or, after it, in the import itself.

    A WAITING one `waits_for_id` a contact. `moved`: the row gives its contact another number. `note` says why
    a row was refused or what of it was not applied.
    """

    __tablename__ = "import_outcomes"
    __table_args__ = (
        CheckConstraint("result IN ('new', 'updated', 'unchanged', 'refused', 'waiting')", name="result"),
        Index("ix_import_outcomes_noted", "import_id", "line", postgresql_where=text("note <> ''")),
    )

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    result: Mapped[str]
    contact_id: Mapped[int | None]
    waits_for_id: Mapped[int | None]
    moved: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(default="")


class ImportContact(Model):
    """A contact whom an applied row of an import named: what campaigns choose by. Kept for a year
    (jobs.py), longer than how the rows went."""

    __tablename__ = "import_contacts"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, index=True)
    # The import's; without a foreign key of its own, whose check would cost every row.
    tenant_id: Mapped[int]


class ImportMapping(Model):
    """What a tenant last imported the column of this name as. `header` is in small letters; `target` as in
    Target.remembered (mapping.py)."""

    __tablename__ = "import_mappings"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    header: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
