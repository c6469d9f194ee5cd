"""What an organisation has said of its first run that nothing else can tell."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model


class Registration(StrEnum):
    """Whether the numbers are registered with the carriers, as an admin said. NOT_NEEDED: they text no phones
    of the United States from local or toll-free numbers."""

    UNSAID = ""
    REGISTERED = "registered"
    NOT_NEEDED = "not_needed"


class FirstRun(Model):
    """One row for each tenant that has said anything; the steps themselves are read from what is there."""

    __tablename__ = "first_run"
    __table_args__ = (
        CheckConstraint("registration IN ('', 'registered', 'not_needed')", name="registration"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    registration: Mapped[Registration] = mapped_column(default=Registration.UNSAID, server_default="")
    registration_at: Mapped[datetime | None]
    registration_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    keywords_seen_at: Mapped[datetime | None]
    keywords_seen_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    dismissed_at: Mapped[datetime | None]
    dismissed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
