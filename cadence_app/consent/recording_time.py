"""When a change is recorded: now, and never on a day that is sealed.

A stop is never refused. Where the clock was set back behind the newest seal, a change is recorded at the
first instant after that seal, and its reason says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, FromClause, column, func, literal, select

from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

_TICK = timedelta(microseconds=1)
_BEHIND = "Recorded at {at} UTC because the server's clock stood at {clock} UTC, behind the newest seal."


@dataclass(frozen=True)
class Moment:
    """What the clock says, and `at`, when a change is recorded by it. Both are UTC."""

    clock: datetime
    at: datetime

    def after(self, since: datetime | None) -> datetime:
        """When a change of a status that stands since then is recorded: the history has no two at once."""
        return max(self.at, since + _TICK) if since else self.at

    def sql_after(self, since: ColumnElement[Any]) -> ColumnElement[Any]:
        """after() for the rows of a query."""
        return func.greatest(literal(self.at, DateTime(timezone=True)), since + _TICK)

    def said(self, reason: str, at: datetime) -> str:
        """The reason of a change that is recorded `at`, with why that is not what the clock says, where a
        seal is what it is not for."""
        if not self._behind:
            return reason
        return f"{reason} {_BEHIND.format(at=_written(at), clock=_written(self.clock))}".strip()

    def sql_said(self, reason: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[Any]:
        """said() for the rows of a query."""
        if not self._behind:
            return reason
        start, _, end = _BEHIND.partition("{at}")
        written = func.to_char(func.timezone("UTC", at), "YYYY-MM-DD HH24:MI:SS")
        why = func.concat(start, written, end.format(clock=_written(self.clock)))
        return func.concat_ws(" ", func.nullif(reason, ""), why)

    @property
    def _behind(self) -> bool:
        return self.clock < self.at


def this_moment() -> Moment:
    """The moment of the changes that this transaction records; no seal closes its day meanwhile."""
    row = db.session.execute(select(a_moment())).one()
    return Moment(row.clock, row.moment)


def a_moment() -> FromClause:
    """this_moment() as the one row, clock and moment, of a part of a statement."""
    return func.history_moment(tenant_in_use()).table_valued(
        column("clock", DateTime(timezone=True)),
        column("moment", DateTime(timezone=True)),
        name="now_and_when",
    )


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
