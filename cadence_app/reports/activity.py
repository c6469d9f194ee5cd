"""Message activity: how many texts went and came, how many arrived, were opened and were answered.

What the figures mean, here and on the help page (templates/help/message-activity.html):

- A text belongs to the day on which its conversation shows it (`created_at`), in the tenant's zone.
- Sent: texts handed to the carrier, whether delivered or failed there. Suppressed, dropped and queued ones
  were not. Automatic answers to keywords count as sent, on a line of their own and nobody's.
- Delivery %: delivered texts, of sent ones.
- Reply %: of the sent texts that a user wrote, those after which the contact texted the same inbox within 24
  hours (86,400 seconds, whatever the clocks do), the range's end notwithstanding. One text of the contact
  answers every text of the 24 hours before it. Automatic answers are neither asked nor answers here.
- By campaign: the texts of a campaign, which are also those of whoever sent it.
- Received: texts of contacts. Unread: those that nobody has opened to this moment; one that is opened and
  marked unread again is not among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.orm import joinedload

from cadence_app.accounts.models import Team, TeamMember, User
from cadence_app.campaigns.models import Campaign
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.reports.activity_periods import Period
from cadence_app.reports.counting import TEXTS_LIVE, live_days

AUTOMATIC = "Automatic replies"
NOBODY = "Shared inboxes"


@dataclass(frozen=True)
class Figures:
    """Counts of texts; `automatic` of the sent ones are answers to keywords. Shares are in percent with one
    decimal, None of nothing."""

    sent: int = 0
    automatic: int = 0
    delivered: int = 0
    replied: int = 0
    received: int = 0
    unread: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    @property
    def delivery(self) -> float | None:
        return share(self.delivered, self.sent)

    @property
    def reply(self) -> float | None:
        return share(self.replied, self.sent - self.automatic)


@dataclass(frozen=True)
class Line:
    """One row of a table. `note` tells apart what may share a name; `parts` is who sent from an inbox."""

    name: str
    figures: Figures
    note: str = ""
    parts: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Activity:
    """What the page shows. `before` is the period before; `trend` has first day, sent and received a step."""

    now: Figures
    before: Figures
    teams: list[Line]
    users: list[Line]
    inboxes: list[Line]
    campaigns: list[Line]
    trend: list[tuple[date, int, int]]


@dataclass(frozen=True)
class _Count:
    """The texts of one inbox that one user sent, or nobody did, by one campaign or by hand, in one of the two
    periods."""

    current: bool
    inbox: Inbox
    user_id: int | None
    campaign_id: int | None
    automatic: bool
    figures: Figures

    @property
    def person_id(self) -> int | None:
        """Whose texts these are: the sender's, or the owner's of the personal inbox they came to."""
        return self.user_id or (None if self.automatic else self.inbox.user_id)


def share(part: int, whole: int) -> float | None:
    """A percentage with one decimal; only none is 0 and only all is 100."""
    if not whole:
        return None
    percent = round(100 * part / whole, 1)
    return percent if part in (0, whole) else min(max(percent, 0.1), 99.9)


def activity_of(viewer: User, teams: list[Team], period: Period) -> Activity:
    """The activity of these teams. An agent gets no figures of any other user: among the users and within a
    shared inbox their own line only, and no line for a colleague's personal inbox."""
    inboxes = _inboxes(teams)
    counts, trend = _counts(inboxes, viewer, period)
    now = [count for count in counts if count.current]
    people = _people(teams, now) if viewer.reads_reports else {viewer.id: viewer}
    shown = [box for box in inboxes if viewer.reads_reports or box.user_id in {None, viewer.id}]
    return Activity(
        now=_sum(now),
        before=_sum(count for count in counts if not count.current),
        teams=_busiest(
            Line(team.name, _sum(count for count in now if count.inbox.team_id == team.id)) for team in teams
        ),
        users=_users(now, people, everything=viewer.reads_reports),
        inboxes=_busiest(_inbox_line(box, now, people) for box in shown),
        campaigns=_campaigns(now),
        trend=trend,
    )


def _inboxes(teams: list[Team]) -> list[Inbox]:
    query = select(Inbox).where(Inbox.team_id.in_([team.id for team in teams]))
    return list(db.session.scalars(query.options(joinedload(Inbox.team), joinedload(Inbox.user))))


_ASKED = f"""
WITH days AS (
    SELECT * FROM ({TEXTS_LIVE}) AS live WHERE inbox_id = ANY (:inboxes)
    UNION ALL
    SELECT day, inbox_id, user_id, campaign_id, automatic, sent, failed, delivered, replied, received, unread
    FROM counted_texts
    WHERE day BETWEEN :first AND :last AND day <> ALL (CAST(:days AS date[])) AND inbox_id = ANY (:inboxes)
)
SELECT day >= :start AS is_current, inbox_id, user_id, campaign_id, automatic,
    CASE WHEN day >= :start THEN width_bucket(day, CAST(:points AS date[])) END AS step,
    grouping(inbox_id) AS is_step,
    sum(sent)::bigint AS sent, (sum(sent) FILTER (WHERE automatic))::bigint AS automatic_sent,
    sum(delivered)::bigint AS delivered, sum(replied)::bigint AS replied, sum(received)::bigint AS received,
    sum(unread)::bigint AS unread
FROM days
GROUP BY GROUPING SETS ((1, inbox_id, user_id, campaign_id, automatic), (step))
"""  # noqa: S608 - our own constants


def _counts(
    inboxes: list[Inbox], viewer: User, period: Period
) -> tuple[list[_Count], list[tuple[date, int, int]]]:
    """The texts of the period and of the one before, and the trend of the period."""
    first, zone = period.before.start, viewer.tenant.zone
    asked = {
        **live_days(first, period.end, zone).parameters,
        **{"first": first, "start": period.start, "last": period.end, "points": period.points},
        "inboxes": [inbox.id for inbox in inboxes],
    }
    by_id = {inbox.id: inbox for inbox in inboxes}
    counts, steps = [], {}
    # Groups are few, and kept in memory; at 4 MB those of two years would be sorted on the disk.
    db.session.execute(text("SELECT set_config('work_mem', '64MB', true)"))
    for row in db.session.execute(text(_ASKED), asked):
        if row.is_step:
            steps[row.step] = (row.sent, row.received)
            continue
        figures = Figures(
            *(row.sent, row.automatic_sent or 0, row.delivered, row.replied, row.received, row.unread)
        )
        counts.append(
            _Count(
                *(row.is_current, by_id[row.inbox_id], row.user_id, row.campaign_id, row.automatic), figures
            )
        )
    trend = [(day, *steps.get(number, (0, 0))) for number, day in enumerate(period.points, 1)]
    return counts, trend


def _people(teams: list[Team], counts: list[_Count]) -> dict[int, User]:
    """The active members of the teams and whoever else the figures name, by id."""
    members = select(TeamMember.user_id).where(TeamMember.team_id.in_([team.id for team in teams]))
    named = {count.person_id for count in counts if count.person_id}
    query = select(User).where((User.id.in_(members) & User.active) | User.id.in_(named))
    return {user.id: user for user in db.session.scalars(query)}


def _users(counts: list[_Count], people: dict[int, User], *, everything: bool) -> list[Line]:
    """A line for each person, then (with `everything`) those that are nobody's, so that the lines add up."""
    mine, automatic, nobody = _by_sender(counts)
    lines = _busiest(Line(user.name, mine[user.id], user.email) for user in people.values())
    if everything:
        lines += [Line(AUTOMATIC, automatic), Line(NOBODY, nobody, "texts that came to everybody")]
    return lines


def _campaigns(counts: list[_Count]) -> list[Line]:
    """A line for each campaign that sent in these days."""
    sent: dict[int, Figures] = defaultdict(Figures)
    for count in counts:
        if count.campaign_id:
            sent[count.campaign_id] += count.figures
    query = select(Campaign).where(Campaign.id.in_(sent)).options(joinedload(Campaign.team))
    return _busiest(
        Line(campaign.name, sent[campaign.id], campaign.team.name) for campaign in db.session.scalars(query)
    )


def _inbox_line(inbox: Inbox, counts: list[_Count], people: dict[int, User]) -> Line:
    here = [count for count in counts if count.inbox is inbox]
    if inbox.user:
        whose = f"Personal, {inbox.team.name}"
        if inbox.name != inbox.user.name:
            whose = f"Personal, {inbox.user.name}, {inbox.team.name}"
        return Line(inbox.name, _sum(here), whose)
    senders, automatic, _ = _by_sender(here)
    parts = _busiest(Line(people[user_id].name, its) for user_id, its in senders.items() if user_id in people)
    if automatic.sent:
        parts.append(Line(AUTOMATIC, automatic))
    return Line(inbox.name, _sum(here), f"Shared, {inbox.team.name}", parts)


def _by_sender(counts: Iterable[_Count]) -> tuple[dict[int, Figures], Figures, Figures]:
    """The figures of each person, of the automatic answers, and of nobody."""
    mine: dict[int, Figures] = defaultdict(Figures)
    automatic = nobody = Figures()
    for count in counts:
        if count.automatic:
            automatic += count.figures
        elif count.person_id:
            mine[count.person_id] += count.figures
        else:
            nobody += count.figures
    return mine, automatic, nobody


def _sum(counts: Iterable[_Count]) -> Figures:
    return sum((count.figures for count in counts), Figures())


def _busiest(lines: Iterable[Line]) -> list[Line]:
    """Those who sent the most first, then by name."""
    return sorted(lines, key=lambda line: (-line.figures.sent, line.name.casefold(), line.note))
