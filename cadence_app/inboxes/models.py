"""The phone numbers that teams text from."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Team, User
from cadence_app.extensions import Model
from cadence_app.phone_numbers import is_toll_free


class InboxKind(StrEnum):
    SHARED = "shared"
    PERSONAL = "personal"


class Inbox(Model):
    """A phone number (E.164) a team texts from: the whole team's, or one user's in the team."""

    __tablename__ = "inboxes"
    __table_args__ = (
        CheckConstraint("(kind = 'personal') = (user_id IS NOT NULL)", name="owner"),
        CheckConstraint("kind IN ('shared', 'personal')", name="kind"),
        CheckConstraint("texts_per_second > 0", name="texts_per_second"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[InboxKind] = mapped_column(default=InboxKind.SHARED)
    name: Mapped[str]
    number: Mapped[str] = mapped_column(unique=True)
    provider: Mapped[str] = mapped_column(default="simulator")
    # The account of the carrier that brings this number's texts; none for the simulator.
    carrier_account_id: Mapped[int | None] = mapped_column(ForeignKey("carrier_accounts.id"))
    # How fast texts may go out, and the moment from which the next may (messaging/pace.py).
    texts_per_second: Mapped[int] = mapped_column(default=5, server_default="5")
    next_text_at: Mapped[datetime | None]
    # Nothing goes out of a closed inbox; what comes in is recorded all the same.
    closed_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship()
    user: Mapped[User | None] = relationship()

    @property
    def personal(self) -> bool:
        return self.kind == InboxKind.PERSONAL

    @property
    def simulated(self) -> bool:
        """Whether it has no carrier yet, so that only the phone simulator gets its texts."""
        return self.carrier_account_id is None and self.provider == "simulator"

    @property
    def toll_free(self) -> bool:
        return is_toll_free(self.number)


class AwayMode(StrEnum):
    """off; on, until somebody turns it off; by hours: on whenever nobody is there by the weekly hours."""

    OFF = "off"
    ON = "on"
    HOURS = "hours"


class OutOfOffice(Model):
    """Whether an inbox answers by itself that nobody is there, as an admin set it last. `hours` is the week
    as office_hours.stored() keeps it, by the clock of `time_zone`: when somebody is there."""

    __tablename__ = "out_of_office"
    __table_args__ = (CheckConstraint("mode IN ('off', 'on', 'hours')", name="mode"),)

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id"), primary_key=True, autoincrement=False)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    mode: Mapped[AwayMode]
    body: Mapped[str]
    hours: Mapped[list[Any]] = mapped_column(JSONB)
    time_zone: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    set_at: Mapped[datetime] = mapped_column(server_default=func.now())

    user: Mapped[User | None] = relationship()
