"""How long contacts are kept: dry runs, what they list, and legal holds.

The number of years and whether it runs by itself stand with the tenant (accounts/models.py).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import Model


class LegalHold(Model):
    """That a contact may not be removed, and why. Lifting it deletes the row; the audit log keeps both."""

    __tablename__ = "legal_holds"
    __table_args__ = (Index("ix_legal_holds_tenant", "tenant_id", "set_at"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    reason: Mapped[str]
    set_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    set_at: Mapped[datetime] = mapped_column(server_default=func.now())

    contact: Mapped[Contact] = relationship()
    set_by: Mapped[User] = relationship()


class RunState(StrEnum):
    """counting -> ready (an admin decides) or, by itself, waiting (for its day) -> removing -> done.

    stopped: nothing was removed. failed: it could not be finished; what was removed so far is on record.
    """

    COUNTING = "counting"
    READY = "ready"
    WAITING = "waiting"
    REMOVING = "removing"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


OPEN_STATES = (RunState.COUNTING, RunState.READY, RunState.WAITING, RunState.REMOVING)
# What a worker has to do something about.
BUSY_STATES = (RunState.COUNTING, RunState.REMOVING)


class RetentionRun(Model):
    """A dry run and, once an admin or its day has decided so, the removal of what it lists.

    Listed are contacts with nothing since `before`; `counted_up_to` is the last contact's id that was looked
    at. `digest` is the SHA-256 (hex) of the list of what was removed (listing.removed_page). A tenant has one
    open run at a time.
    """

    __tablename__ = "retention_runs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('counting', 'ready', 'waiting', 'removing', 'done', 'stopped', 'failed')", name="state"
        ),
        Index("ix_retention_runs_latest", "tenant_id", text("id DESC")),
        Index(
            "uq_retention_runs_open",
            "tenant_id",
            unique=True,
            postgresql_where=text("state IN ('counting', 'ready', 'waiting', 'removing')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    state: Mapped[RunState] = mapped_column(default=RunState.COUNTING)
    automatic: Mapped[bool] = mapped_column(default=False)
    years: Mapped[int]
    before: Mapped[datetime]
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now())
    counted_up_to: Mapped[int] = mapped_column(default=0)
    mailed_at: Mapped[datetime | None]
    remove_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    approved_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    digest: Mapped[str] = mapped_column(default="")
    problem: Mapped[str] = mapped_column(default="")

    requested_by: Mapped[User | None] = relationship(foreign_keys=[requested_by_id])
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])

    @property
    def busy(self) -> bool:
        return self.state in BUSY_STATES


class Fate(StrEnum):
    """What became of a listed contact; kept are those that texted, were changed or put on hold meanwhile."""

    LISTED = "listed"
    REMOVED = "removed"
    KEPT = "kept"


class RetentionItem(Model):
    """A contact that a run lists: when they last texted, were changed or added, and what there is of them.

    It holds no name and no number, so it may outlast them.
    """

    __tablename__ = "retention_items"
    __table_args__ = (
        CheckConstraint("fate IN ('listed', 'removed', 'kept')", name="fate"),
        Index("ix_retention_items_left", "run_id", "contact_id", postgresql_where=text("fate = 'listed'")),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("retention_runs.id"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    last_at: Mapped[datetime]
    conversations: Mapped[int]
    texts: Mapped[int]
    changes: Mapped[int]
    fate: Mapped[Fate] = mapped_column(default=Fate.LISTED)
