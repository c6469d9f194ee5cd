"""Filters with a name."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model
from cadence_app.reports.models import Format

# `days` of a saved filter that always means the same days, or none at all.
FIXED, NO_DAYS = "fixed", ""


class SavedFilter(Model):
    """The filters, columns and format of a kind under a name; `shared` with everybody who reads the tenant's
    reports. `days` is the name of a usual range (ranges.py), which moves with the calendar, or FIXED for
    `start_date` to `end_date`, or NO_DAYS for a kind that has none. Names are unique for an owner and kind.
    """

    __tablename__ = "saved_filters"
    __table_args__ = (
        CheckConstraint("format IN ('csv', 'xlsx')", name="format"),
        CheckConstraint("(days = 'fixed') = (start_date IS NOT NULL AND end_date IS NOT NULL)", name="days"),
        Index("uq_saved_filters_name", "tenant_id", "owner_id", "kind", text("lower(name)"), unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    name: Mapped[str]
    shared: Mapped[bool] = mapped_column(default=False)
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    extra_columns: Mapped[list[str]] = mapped_column(JSONB)
    format: Mapped[Format]
    days: Mapped[str] = mapped_column(default=NO_DAYS)
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]

    owner: Mapped[User] = relationship()
