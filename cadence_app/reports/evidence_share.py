"""How many of those who are opted in are known to have agreed, by team and by what their opt in rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from cadence_app.accounts.models import Team
from cadence_app.consent.evidence import METHOD_NAMES
from cadence_app.consent.evidence_of_all import OWN_TEXT, at_once, grounds
from cadence_app.extensions import db

# What an opt in may rest on, in the order in which the report has it; None is nothing.
GROUND_NAMES: Mapping[str | None, str] = {
    OWN_TEXT: "Their own text",
    **{str(method): name for method, name in METHOD_NAMES.items()},
    None: "None recorded",
}


@dataclass(frozen=True)
class Share:
    """How many are opted in, by what that rests on (a key of GROUND_NAMES; only those that occur)."""

    by_ground: Mapping[str | None, int]

    @property
    def opted_in(self) -> int:
        return sum(self.by_ground.values())

    @property
    def none_recorded(self) -> int:
        return self.by_ground.get(None, 0)

    @property
    def with_evidence(self) -> int:
        return self.opted_in - self.none_recorded

    @property
    def percent(self) -> float | None:
        """The share with evidence, as percent() says it."""
        return percent(self.with_evidence, self.opted_in)


@dataclass(frozen=True)
class Report:
    """`whole` counts a person once in each team they are opted in to, so it is the sum of the teams; `teams`
    has those in which somebody is, by name."""

    whole: Share
    teams: Sequence[tuple[Team, Share]]


def evidence_share() -> Report:
    """The report of the tenant in use, as things stand now, in one statement."""
    of_each = grounds()
    counts = (
        select(of_each.c.team_id, of_each.c.ground, func.count().label("people"))
        .group_by(of_each.c.team_id, of_each.c.ground)
        .subquery()
    )
    query = (
        select(Team, counts.c.ground, counts.c.people)
        .join(counts, counts.c.team_id == Team.id)
        .order_by(Team.name, Team.id)
    )
    with at_once():
        rows = db.session.execute(query).all()
    by_team: dict[Team, dict[str | None, int]] = {}
    whole: dict[str | None, int] = {}
    for team, ground, people in rows:
        by_team.setdefault(team, {})[ground] = people
        whole[ground] = whole.get(ground, 0) + people
    return Report(Share(whole), [(team, Share(of_team)) for team, of_team in by_team.items()])


def percent(part: int, whole: int) -> float | None:
    """A share to a tenth of a percent, which says 0 and 100 only of none and all."""
    if not whole:
        return None
    rounded = round(100 * part / whole, 1)
    if part and not rounded:
        return 0.1
    return 99.9 if part < whole and rounded == 100 else rounded
