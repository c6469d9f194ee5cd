"""The Opt out history in numbers: totals, the course of time, and by team."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import DateTime, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from cadence_app.accounts.models import Team
from cadence_app.consent.models import OptOutChange, Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Direction, Message, MessageKind, MessageState
from cadence_app.reports.ranges import today, utc_bounds
from cadence_app.reports.scope import Scope

# The longest ranges, in days, that are drawn by day and by week.
_BY_DAY, _BY_WEEK = 45, 190
_MOST_TEAMS = 12

Counts = tuple[int, int]
"""Opt outs, opt ins."""


@dataclass(frozen=True)
class Totals:
    """`texts_sent` are those that people sent, and that arrived, in the same days (and team)."""

    opt_outs: int
    opt_ins: int
    texts_sent: int

    @property
    def changes(self) -> int:
        return self.opt_outs + self.opt_ins

    @property
    def net(self) -> int:
        """How many more opted in than out."""
        return self.opt_ins - self.opt_outs

    @property
    def rate(self) -> float | None:
        """Opt outs for each hundred texts; None where none was sent."""
        return 100 * self.opt_outs / self.texts_sent if self.texts_sent else None


@dataclass(frozen=True)
class Trends:
    """`step` is day, week or month. `course` has a row for each, also for those without a change; `by_team`
    the teams with most changes first, and the rest as one."""

    totals: Totals
    step: str
    course: list[tuple[str, Counts]]
    by_team: list[tuple[str, Counts]]


def trends_of(scope: Scope) -> Trends:
    step, first_days = buckets(scope)
    edges = [utc_bounds(day, day, scope.zone)[0] for day in first_days]
    bucket = func.width_bucket(OptOutChange.changed_at, literal(edges, ARRAY(DateTime(timezone=True))))
    query = (
        select(bucket, OptOutChange.team_id, OptOutChange.status, func.count())
        .where(*scope.conditions())
        .group_by(bucket, OptOutChange.team_id, OptOutChange.status)
    )
    course: Counter[tuple[int, str]] = Counter()
    by_team: Counter[tuple[int, str]] = Counter()
    for number, team_id, status, count in db.session.execute(query):
        course[number - 1, status] += count
        by_team[team_id, status] += count
    years = scope.start.year != first_days[-1].year
    labels = [_label(day, step, years) for day in first_days]
    return Trends(
        totals=Totals(
            opt_outs=sum(count for (_, status), count in course.items() if status == Status.OPTED_OUT),
            opt_ins=sum(count for (_, status), count in course.items() if status == Status.OPTED_IN),
            texts_sent=_texts_sent(scope),
        ),
        step=step,
        course=[(label, _counts(course, index)) for index, label in enumerate(labels)],
        by_team=_ranked(by_team),
    )


def buckets(scope: Scope) -> tuple[str, list[date]]:
    """By what the range is drawn (day, week or month), and the first day of each: of the range, and of every
    month or week (from Monday) that begins in it, until today."""
    last = max(scope.start, min(scope.end, today(scope.zone)))
    days = (last - scope.start).days + 1
    step = "day" if days <= _BY_DAY else "week" if days <= _BY_WEEK else "month"
    return step, [scope.start, *_beginnings(scope.start, last, step)]


def _beginnings(start: date, last: date, step: str) -> Iterator[date]:
    day = start + timedelta(days=1)
    while day <= last:
        if step == "day" or (step == "week" and day.weekday() == 0) or (step == "month" and day.day == 1):
            yield day
        day += timedelta(days=1)


def _label(day: date, step: str, years: bool) -> str:
    if step == "month":
        return f"{day:%b %Y}"
    return f"{day:%b} {day.day}" + (f", {day.year}" if years else "")


def _counts(counted: Counter[tuple[int, str]], key: int) -> Counts:
    return counted[key, Status.OPTED_OUT], counted[key, Status.OPTED_IN]


def _ranked(by_team: Counter[tuple[int, str]]) -> list[tuple[str, Counts]]:
    names = {team.id: team.name for team in db.session.scalars(select(Team))}
    rows = [(names[team_id], _counts(by_team, team_id)) for team_id in {team_id for team_id, _ in by_team}]
    rows.sort(key=lambda row: (-row[1][0], -row[1][1], row[0]))
    shown, rest = rows[:_MOST_TEAMS], rows[_MOST_TEAMS:]
    if rest:
        shown.append(("All others", (sum(row[1][0] for row in rest), sum(row[1][1] for row in rest))))
    return shown


def _texts_sent(scope: Scope) -> int:
    starts_at, ends_at = scope.bounds
    query = select(func.count()).where(
        Message.direction == Direction.OUTBOUND,
        Message.kind == MessageKind.PERSON,
        Message.state.in_((MessageState.SENT, MessageState.DELIVERED)),
        Message.created_at >= starts_at,
        Message.created_at < ends_at,
    )
    if scope.filters.team_id:
        query = query.where(
            Message.inbox_id.in_(select(Inbox.id).where(Inbox.team_id == scope.filters.team_id))
        )
    return db.session.scalars(query).one()
