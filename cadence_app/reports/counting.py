"""Counts the closed days of an organisation, and says which days of a report have to be counted live.

A day is counted once, 48 hours after its end, when the answers to its last texts are in. Whatever is changed
in it later (a receipt, an opening, a text that is erased or moved by a merge) leaves a note in the same
transaction, by triggers (migration 0066), and the sweep counts the days of the notes again. Until it has, and
for all days that are not counted yet, a report counts the rows themselves: what it shows is never stale.

That no change slips through while a day is counted for the first time takes three steps, of which each is
committed: `noted_until` is set, from when on every transaction that begins leaves notes; then it is written
down which transactions there are; and once all of those have ended, what they did is seen and counted.

A day is the tenant's (reports/ranges.py). Where the tenant chooses another zone all is counted anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Executable, delete, func, select, text, union
from sqlalchemy.dialects.postgresql import insert

from cadence_app.accounts.models import Tenant
from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db
from cadence_app.messaging.models import SENT_STATES, Direction, Message, MessageKind, MessageState
from cadence_app.reports.counting_models import CountedChanges, CountedTexts, DayCounting, DayToRecount
from cadence_app.reports.ranges import utc_bounds
from cadence_app.tenancy import tenant_in_use

_DAY = timedelta(days=1)
# The triggers pass over what is younger than 12 hours; between the two lies what no clock or transaction
# is off by.
_CLOSED_AFTER = timedelta(hours=48)
# Days counted in one transaction.
_BATCH = 31
# Before all instants that a report may ask for, and after no text.
_NOTHING = datetime(1900, 1, 1, tzinfo=UTC)

_QUOTED = {"sent": ", ".join(f"'{state}'" for state in SENT_STATES)}
# Read backwards, a running minimum is the contact's next text: one pass for replies and all the rest. The
# interval is written out: as a parameter it would be one day, which may be 23 or 25 hours long.
TEXTS_LIVE = f"""
SELECT (CAST(:days AS date[]))[width_bucket(m.created_at, CAST(:edges AS timestamptz[]))] AS day,
    m.inbox_id, m.user_id, m.campaign_id, m.kind <> '{MessageKind.PERSON}' AS automatic,
    count(*) FILTER (WHERE m.sent) AS sent,
    count(*) FILTER (WHERE m.state = '{MessageState.FAILED}' AND m.sent) AS failed,
    count(*) FILTER (WHERE m.state = '{MessageState.DELIVERED}' AND m.sent) AS delivered,
    count(*) FILTER (WHERE m.sent AND m.kind = '{MessageKind.PERSON}'
        AND m.next_inbound <= m.created_at + interval '24 hours') AS replied,
    count(*) FILTER (WHERE m.inbound) AS received,
    count(*) FILTER (WHERE m.inbound AND m.opened_at IS NULL) AS unread
FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS span (starts_at, ends_at)
CROSS JOIN LATERAL (
    SELECT t.*, t.direction = '{Direction.INBOUND}' AS inbound,
        t.direction = '{Direction.OUTBOUND}' AND t.state IN ({_QUOTED["sent"]}) AS sent,
        min(t.created_at) FILTER (WHERE t.direction = '{Direction.INBOUND}') OVER (
            PARTITION BY t.conversation_id ORDER BY t.created_at DESC, t.id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next_inbound
    FROM (
        SELECT id, conversation_id, created_at, inbox_id, user_id, campaign_id, kind, direction, state,
            opened_at
        FROM messages WHERE created_at >= span.starts_at AND created_at < span.ends_at + interval '24 hours'
    ) AS t
) AS m
WHERE m.created_at < span.ends_at
GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608 - our own constants
CHANGES_LIVE = """
SELECT (CAST(:days AS date[]))[width_bucket(h.changed_at, CAST(:edges AS timestamptz[]))] AS day,
    h.team_id, h.source, h.status, h.user_id, count(*) AS changes
FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS span (starts_at, ends_at)
CROSS JOIN LATERAL (
    SELECT * FROM opt_out_changes WHERE changed_at >= span.starts_at AND changed_at < span.ends_at
) AS h
GROUP BY 1, 2, 3, 4, 5
"""
_INSERT_TEXTS = f"""
INSERT INTO counted_texts (tenant_id, day, inbox_id, user_id, campaign_id, automatic, sent, failed, delivered,
    replied, received, unread)
SELECT :tenant, live.* FROM ({TEXTS_LIVE}) AS live
"""  # noqa: S608 - our own constants
_INSERT_CHANGES = f"""
INSERT INTO counted_changes (tenant_id, day, team_id, source, status, user_id, changes)
SELECT :tenant, live.* FROM ({CHANGES_LIVE}) AS live
"""  # noqa: S608 - our own constants
_COUNTED = ((CountedTexts, _INSERT_TEXTS), (CountedChanges, _INSERT_CHANGES))


@dataclass(frozen=True)
class Live:
    """The days of a report that are counted live, in order, each of the tenant's zone."""

    days: list[date]
    zone: ZoneInfo

    @property
    def spans(self) -> list[tuple[date, date]]:
        """The first and the last day of each row of days without a gap."""
        found: list[tuple[date, date]] = []
        for day in self.days:
            if found and found[-1][1] + _DAY == day:
                found[-1] = (found[-1][0], day)
            else:
                found.append((day, day))
        return found

    @property
    def parameters(self) -> dict[str, Any]:
        """What TEXTS_LIVE and CHANGES_LIVE ask for: every instant of a span is of one of the days."""
        bounds = [utc_bounds(first, last, self.zone) for first, last in self.spans]
        return {
            "days": self.days,
            "edges": [utc_bounds(day, day, self.zone)[0] for day in self.days],
            "starts": [starts_at for starts_at, _ in bounds],
            "ends": [ends_at for _, ends_at in bounds],
        }


def live_days(start: date, end: date, zone: ZoneInfo) -> Live:
    """Which of the days from `start` to `end`, both included, of the tenant in use are not to be had from
    what was counted: those not counted yet, and those in which something was changed since."""
    counting = db.session.get(DayCounting, tenant_in_use(), populate_existing=True)
    known = _known(zone)
    first, last = (max(start, known[0]), min(end, known[1])) if known else (end, start - _DAY)
    if counting is None:
        return Live(_days(first, last), zone)
    if counting.time_zone != zone.key:
        # Of days that are not these: none of them counts, not even where nothing is left of what was counted.
        return Live(sorted({*_days(first, last), *_counted(start, end)}), zone)
    starts_at, ends_at = utc_bounds(start, end, zone)
    notes = select(DayToRecount.starts_at, DayToRecount.ends_at).where(
        DayToRecount.starts_at < ends_at, DayToRecount.ends_at > starts_at
    )
    first_open = _first_open(counting, zone)
    noted = {
        day for day in _days_of(_spans(notes.distinct()), zone) if start <= day <= end and day < first_open
    }
    return Live(sorted(noted) + _days(max(first, first_open), last), zone)


def count_days() -> bool:
    """Counts what is due of the tenant in use, a batch of days at most, and commits. Whether there is more
    that can be counted at once."""
    zone = db.session.get_one(Tenant, tenant_in_use()).zone
    counting = _held(zone)
    _recount_noted(counting, zone)
    more = _count_closed(counting, zone)
    until = utc_bounds(_last_closed(zone), _last_closed(zone), zone)[1]
    if counting.noted_until < until and counting.counted_until == counting.noted_until:
        counting.noted_until, counting.noted_before = until, None
        more = True
    db.session.commit()
    return more


def _held(zone: ZoneInfo) -> DayCounting:
    """The row that says how far it is, held against another sweep; anew for another zone."""
    tenant_id = tenant_in_use()
    first = {"time_zone": zone.key, "noted_until": _NOTHING, "counted_until": _NOTHING}
    db.session.execute(insert(DayCounting).values(tenant_id=tenant_id, **first).on_conflict_do_nothing())
    counting = db.session.get_one(DayCounting, tenant_id, with_for_update=True, populate_existing=True)
    if counting.time_zone != zone.key:
        for table, _ in _COUNTED:
            db.session.execute(delete(table).where(table.tenant_id == tenant_id))
        counting.time_zone, counting.noted_before = zone.key, None
        # Those who note until then are right in any zone, but no day may be counted in part.
        counting.counted_until = counting.noted_until = _NOTHING
        db.session.flush()
    return counting


def _recount_noted(counting: DayCounting, zone: ZoneInfo) -> None:
    """Takes the notes first and counts afterwards, in a statement that sees whatever was committed with
    them: who changes more meanwhile leaves a note that stays."""
    notes = (
        delete(DayToRecount)
        .where(DayToRecount.tenant_id == counting.tenant_id)
        .returning(DayToRecount.starts_at, DayToRecount.ends_at)
    )
    noted = _days_of(_spans(notes), zone)
    first_open = _first_open(counting, zone)
    _count([day for day in sorted(noted) if day < first_open], zone)


def _count_closed(counting: DayCounting, zone: ZoneInfo) -> bool:
    if counting.counted_until == counting.noted_until:
        return False
    noted_before = counting.noted_before
    # A number that no transaction has had yet is of another server's, where a backup was made.
    if noted_before is None or noted_before >= _number("pg_snapshot_xmax(pg_current_snapshot())"):
        # Whoever has changed a row without seeing `noted_until` has a lower number than this transaction.
        counting.noted_before = _number("pg_current_xact_id()")
        return True
    if _number("pg_snapshot_xmin(pg_current_snapshot())") <= noted_before:
        return False
    last = counting.noted_until.astimezone(zone).date() - _DAY
    known = _known(zone)
    first = max(_first_open(counting, zone), known[0] if known else last)
    until = min(last, first + timedelta(days=_BATCH - 1))
    _count(_days(first, until), zone)
    counting.counted_until = utc_bounds(until, until, zone)[1]
    return until < last


def _count(days: list[date], zone: ZoneInfo) -> None:
    if not days:
        return
    tenant_id, asked = tenant_in_use(), Live(days, zone).parameters
    for table, statement in _COUNTED:
        db.session.execute(delete(table).where(table.tenant_id == tenant_id, table.day.in_(days)))
        db.session.execute(text(statement), {"tenant": tenant_id, **asked})


def _number(of: str) -> int:
    """A transaction's number, as SQL asks for it."""
    return int(db.session.scalars(text(f"SELECT ({of})::text")).one())


def _known(zone: ZoneInfo) -> tuple[date, date] | None:
    """The days of the tenant's oldest and newest text or change."""
    moments = Message.created_at, OptOutChange.changed_at
    oldest = func.least(*(select(func.min(each)).scalar_subquery() for each in moments))
    newest = func.greatest(*(select(func.max(each)).scalar_subquery() for each in moments))
    first, last = db.session.execute(select(oldest, newest)).one()
    return (first.astimezone(zone).date(), last.astimezone(zone).date()) if first else None


def _counted(start: date, end: date) -> list[date]:
    """The days of which something was counted."""
    days = (select(table.day).where(table.day.between(start, end)) for table, _ in _COUNTED)
    return list(db.session.scalars(union(*days)))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _last_closed(zone: ZoneInfo) -> date:
    return (datetime.now(UTC) - _CLOSED_AFTER).astimezone(zone).date() - _DAY


def _first_open(counting: DayCounting, zone: ZoneInfo) -> date:
    """The first day that is not counted."""
    return counting.counted_until.astimezone(zone).date()


def _spans(notes: Executable) -> list[tuple[datetime, datetime]]:
    return [(row.starts_at, row.ends_at) for row in db.session.execute(notes)]


def _days_of(spans: Iterable[tuple[datetime, datetime]], zone: ZoneInfo) -> set[date]:
    """The days that have an instant of these."""
    found: set[date] = set()
    for starts_at, ends_at in spans:
        day, last = (each.astimezone(zone).date() for each in (starts_at, ends_at))
        while day <= last:
            found.add(day)
            day += _DAY
    return found
