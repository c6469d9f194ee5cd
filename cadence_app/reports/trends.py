"""The Opt out history in numbers: totals, the course of time, and by team."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import DateTime, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from cadence_app.accounts.models import Team
from cadence_app.consent.models import CARRIED_SOURCES, REPORTED_SOURCES, OptOutChange, Status
from cadence_app.extensions import db
from cadence_app.reports.counting import CHANGES_LIVE, TEXTS_LIVE, Live, live_days
from cadence_app.reports.filters import CARRIED, Filters
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


_DAYS = f"""
WITH days AS (
    SELECT * FROM ({CHANGES_LIVE}) AS live
    UNION ALL
    SELECT day, team_id, source, status, user_id, changes FROM counted_changes
    WHERE day BETWEEN :first AND :last AND day <> ALL (CAST(:days AS date[]))
)
SELECT width_bucket(day, CAST(:points AS date[])), team_id, status, sum(changes)::bigint FROM days
WHERE source = ANY (:sources) AND team_id = coalesce(:team, team_id) AND status = coalesce(:status, status)
    AND (CAST(:user AS bigint) IS NULL OR user_id = :user)
GROUP BY 1, 2, 3
"""  # noqa: S608 - our own constants
_SENT = f"""
SELECT coalesce(sum(sent - failed), 0)::bigint FROM (
    SELECT day, inbox_id, automatic, sent, failed FROM ({TEXTS_LIVE}) AS live
    UNION ALL
    SELECT day, inbox_id, automatic, sent, failed FROM counted_texts
    WHERE day BETWEEN :first AND :last AND day <> ALL (CAST(:days AS date[]))
) AS days
WHERE NOT automatic AND (CAST(:team AS bigint) IS NULL
    OR inbox_id IN (SELECT id FROM inboxes WHERE team_id = :team))
"""  # noqa: S608 - our own constants


def trends_of(scope: Scope) -> Trends:
    step, first_days = buckets(scope)
    live = live_days(scope.start, scope.end, scope.zone)
    course: Counter[tuple[int, str]] = Counter()
    by_team: Counter[tuple[int, str]] = Counter()
    for number, team_id, status, count in _counted(scope, first_days, live):
        course[number - 1, status] += count
        by_team[team_id, status] += count
    years = scope.start.year != first_days[-1].year
    labels = [_label(day, step, years) for day in first_days]
    return Trends(
        totals=Totals(
            opt_outs=sum(count for (_, status), count in course.items() if status == Status.OPTED_OUT),
            opt_ins=sum(count for (_, status), count in course.items() if status == Status.OPTED_IN),
            texts_sent=_texts_sent(scope, live),
        ),
        step=step,
        course=[(label, _counts(course, index)) for index, label in enumerate(labels)],
        by_team=_ranked(by_team),
    )


def count(scope: Scope) -> int:
    """How many changes it has."""
    live = live_days(scope.start, scope.end, scope.zone)
    return sum(each for *_, each in _counted(scope, [scope.start], live))


def _counted(scope: Scope, first_days: list[date], live: Live) -> list[tuple[int, int, str, int]]:
    """The number of the step, the team, the status and how many such changes there are."""
    filters = scope.filters
    if filters.contact or filters.words:
        # No count of a day knows of these; the rows are found by what was searched for.
        edges = [utc_bounds(day, day, scope.zone)[0] for day in first_days]
        bucket = func.width_bucket(OptOutChange.changed_at, literal(edges, ARRAY(DateTime(timezone=True))))
        kinds = (bucket, OptOutChange.team_id, OptOutChange.status)
        query = select(*kinds, func.count()).where(*scope.conditions()).group_by(*kinds)
        return [(row[0], row[1], row[2], row[3]) for row in db.session.execute(query)]
    asked = {
        **live.parameters,
        **{"first": scope.start, "last": scope.end, "points": first_days, "sources": _sources(filters)},
        **{"team": filters.team_id, "status": filters.status or None, "user": filters.user_id},
    }
    return [(row[0], row[1], row[2], row[3]) for row in db.session.execute(text(_DAYS), asked)]


def _sources(filters: Filters) -> list[str]:
    if filters.source == CARRIED:
        return [str(each) for each in CARRIED_SOURCES]
    return [filters.source] if filters.source else [str(each) for each in REPORTED_SOURCES]


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


def _texts_sent(scope: Scope, live: Live) -> int:
    asked = {**live.parameters, "first": scope.start, "last": scope.end, "team": scope.filters.team_id}
    sent: int = db.session.scalars(text(_SENT), asked).one()
    return sent
