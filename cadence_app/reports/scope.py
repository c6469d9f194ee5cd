"""What a report on screen is about: days of a zone, and filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement

from cadence_app.consent.models import OptOutChange
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.ranges import utc_bounds


@dataclass(frozen=True)
class Scope:
    """Whole days of `zone`, both included, and what narrows them."""

    start: date
    end: date
    zone: ZoneInfo
    filters: Filters

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The same days in UTC, the end excluded."""
        return utc_bounds(self.start, self.end, self.zone)

    @property
    def left_out(self) -> Scope | None:
        """What a file of these days and filters tells of as left out; or None."""
        filters = OPT_OUT_HISTORY.left_out(self.filters)
        return replace(self, filters=filters) if filters else None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on OptOutChange: the same that an export of this scope has."""
        starts_at, ends_at = self.bounds
        return [
            OptOutChange.changed_at >= starts_at,
            OptOutChange.changed_at < ends_at,
            *OPT_OUT_HISTORY.conditions(self.filters),
        ]
