"""What schedules do: the runs that are due, a run at once, pause, change and delete."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select

from cadence_app.accounts import admins, audit
from cadence_app.accounts.models import User
from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db
from cadence_app.reports.destinations.models import Destination
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import KINDS, Kind
from cadence_app.reports.models import UNFINISHED, Export, ExportState, Format
from cadence_app.reports.ranges import today
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedule_ways import let_go, set_ways
from cadence_app.reports.schedules import Period, Timing, days_of
from cadence_app.reports.service import add_run, retry

# Send now pressed again within this time is a second press of the same button.
_SAME_PRESS = timedelta(seconds=10)


# What these hold is what the schedule's owner may read.
_OWN = [kind.key for kind in KINDS.values() if kind.own]


class OwnerGone(ValueError):
    """The schedule waits()."""


@dataclass(frozen=True)
class Plan:
    """What a form says of a schedule."""

    filters: Filters
    extra: Collection[str]
    file_format: Format
    period: Period
    timing: Timing
    recipients: Collection[User]
    destinations: Collection[Destination] = ()


def all_schedules() -> list[ExportSchedule]:
    """The tenant's schedules, oldest first."""
    query = select(ExportSchedule).where(ExportSchedule.deleted_at.is_(None))
    return list(db.session.scalars(query.order_by(ExportSchedule.id)))


def find_schedule(schedule_id: int) -> ExportSchedule | None:
    """The tenant's schedule with this id, unless it was deleted."""
    schedule = db.session.get(ExportSchedule, schedule_id)
    return schedule if schedule and not schedule.deleted_at else None


def last_run(schedule: ExportSchedule) -> Export | None:
    query = select(Export).where(Export.schedule_id == schedule.id)
    return db.session.scalars(query.order_by(Export.id.desc()).limit(1)).one_or_none()


def said(schedule: ExportSchedule) -> str:
    """A schedule in words, as the audit log names it."""
    return f"{KINDS[schedule.kind].title}: {schedule.timing.said}"


def waits(schedule: ExportSchedule) -> bool:
    """Whether it makes nothing until another admin takes it over: it holds what its owner may read, and they
    are no admin any more. Others go on meanwhile, for admins and destinations, whose own right that is."""
    return schedule.kind in _OWN and not schedule.owner.acts_as_admin


def add_schedule(owner: User, kind: Kind, plan: Plan) -> ExportSchedule:
    """Adds a schedule and commits it. Its first run is the next one from now. Errors: Refused for who is no
    admin any more."""
    admins.hold_admins(owner)
    schedule = ExportSchedule(tenant_id=owner.tenant_id, kind=kind.key)
    _take(schedule, owner, plan)
    schedule.next_run_at = plan.timing.next_run(owner.tenant.zone, datetime.now(UTC)).at
    db.session.add(schedule)
    db.session.flush()
    set_ways(schedule, plan.recipients, plan.destinations)
    audit.record(owner, "schedule.made", said(schedule), to=(None, _to(plan)))
    db.session.commit()
    return schedule


def change_schedule(schedule: ExportSchedule, owner: User, plan: Plan) -> None:
    """Changes a schedule, which is then the changer's own, and commits it. A run that is due and was not made
    yet stays due unless the times changed. No file waits any more for a way that is taken out. Errors:
    Refused for who is no admin any more."""
    admins.hold_admins(owner)
    lock(schedule)
    told = {"owner": (schedule.owner.name, owner.name), "timing": (schedule.timing.said, plan.timing.said)}
    if schedule.timing != plan.timing:
        schedule.next_run_at = plan.timing.next_run(owner.tenant.zone, datetime.now(UTC)).at
    _take(schedule, owner, plan)
    set_ways(schedule, plan.recipients, plan.destinations)
    let_go(schedule, plan.recipients, plan.destinations)
    audit.record(owner, "schedule.changed", said(schedule), to=(None, _to(plan)), **told)
    db.session.commit()


def pause(user: User, schedule: ExportSchedule) -> None:
    lock(schedule)
    if schedule.paused_at is None:
        schedule.paused_at = datetime.now(UTC)
        audit.record(user, "schedule.paused", said(schedule))
    db.session.commit()


def resume(user: User, schedule: ExportSchedule) -> None:
    """From the next run on: those that fell into the pause are not made up."""
    lock(schedule)
    if schedule.paused_at:
        audit.record(user, "schedule.resumed", said(schedule))
        schedule.paused_at = None
        schedule.next_run_at = schedule.timing.next_run(schedule.owner.tenant.zone, datetime.now(UTC)).at
    db.session.commit()


def delete_schedule(user: User, schedule: ExportSchedule) -> None:
    """Deletes a schedule and commits that. The exports that it made stay, and are finished."""
    lock(schedule)
    end(user, schedule)
    db.session.commit()


def end(actor: audit.Actor, schedule: ExportSchedule, reason: str = "") -> None:
    """Deletes a schedule in the open transaction; a second time changes nothing."""
    if schedule.deleted_at is None:
        schedule.deleted_at, schedule.gone_at = datetime.now(UTC), None
        audit.record(actor, "schedule.deleted", said(schedule), reason=(None, reason or None))


def hand_over(actor: User, schedule: ExportSchedule, heir: User) -> None:
    """Makes a schedule another admin's, in the open transaction. A run that waited for that is due at once.
    One that would go to nobody goes to them."""
    audit.record(actor, "schedule.handed_over", said(schedule), owner=(schedule.owner.name, heir.name))
    schedule.owner_id, schedule.gone_at, schedule.remind_at = heir.id, None, None
    if not schedule.destinations and not any(user.may_export for user in schedule.recipients):
        set_ways(schedule, [heir], [])
    db.session.flush()
    db.session.expire(schedule, ["owner", "recipients"])


def run_due(schedule_id: int, at: datetime) -> Export | None:
    """Makes the run of a schedule that is due at an instant and commits it: one, for its most recent time,
    however many were missed. None where it is not due (any more), it waits() for another owner, another
    session is making it, or a file of what changed is still on its way, for which it waits. Where the last
    file of what changed has reached one way and not another, the run tries that one again, once, and stays
    due: each way gets each change once."""
    query = select(ExportSchedule).where(ExportSchedule.id == schedule_id, *_due(at))
    fresh = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    schedule = db.session.scalars(fresh).one_or_none()
    if schedule is None or _on_its_way(schedule):
        db.session.rollback()
        return None
    zone = schedule.owner.tenant.zone
    run = schedule.timing.latest_run(zone, at)
    if half := _half_delivered(schedule):
        again = half.next_attempt_at < run.at and retry(half)
        db.session.rollback()
        return half if again else None
    # The later of both, lest a tenant that moved to another zone has two runs of one time.
    export = _add(schedule, run.day, max(run.at, schedule.next_run_at))
    schedule.next_run_at = schedule.timing.next_run(zone, at).at
    db.session.commit()
    return export


def run_now(user: User, schedule: ExportSchedule) -> tuple[Export | None, bool]:
    """Makes a run at once, as if it were due, and commits it: the export, and whether it is new, as a second
    press within seconds finds the first. No export where a file of what changed is still on its way; one that
    has reached one way and not another is tried again instead. Errors: OwnerGone."""
    lock(schedule)
    if waits(schedule):
        db.session.rollback()
        raise OwnerGone
    pressed = select(Export).where(
        Export.schedule_id == schedule.id,
        Export.scheduled_for.is_(None),
        Export.requested_at > func.clock_timestamp() - _SAME_PRESS,
    )
    same = db.session.scalars(pressed.order_by(Export.id.desc()).limit(1)).one_or_none()
    if same or _on_its_way(schedule):
        db.session.commit()
        return same, False
    if half := _half_delivered(schedule):
        return (half, True) if retry(half) else (None, False)
    export = _add(schedule, today(schedule.owner.tenant.zone), None)
    audit.record(user, "export.requested", said(schedule))
    db.session.commit()
    return export, True


def _due(at: datetime) -> tuple[Any, ...]:
    return (
        ExportSchedule.next_run_at <= at,
        ExportSchedule.paused_at.is_(None),
        ExportSchedule.deleted_at.is_(None),
        or_(ExportSchedule.kind.not_in(_OWN), ExportSchedule.owner.has(and_(*admins.ACTING))),
    )


def lock(schedule: ExportSchedule) -> None:
    """Waits for whoever decides about the schedule's runs, and sees what they did."""
    db.session.refresh(schedule, with_for_update=True)


def _to(plan: Plan) -> list[str]:
    return [*(user.email for user in plan.recipients), *(each.name for each in plan.destinations)]


def _take(schedule: ExportSchedule, owner: User, plan: Plan) -> None:
    schedule.owner_id, schedule.gone_at, schedule.remind_at = owner.id, None, None
    schedule.format, schedule.period = plan.file_format, plan.period
    schedule.filters, schedule.extra_columns = plan.filters.stored, list(plan.extra)
    schedule.every, schedule.hour = plan.timing.every, plan.timing.hour
    schedule.weekday, schedule.month_day = plan.timing.weekday, plan.timing.month_day


def _add(schedule: ExportSchedule, day: date, scheduled_for: datetime | None) -> Export:
    """Adds the export of a run that is for a day of the tenant's zone."""
    kind, period = KINDS[schedule.kind], schedule.period
    if period != Period.CHANGED:
        return add_run(schedule, kind, *days_of(period, day), scheduled_for=scheduled_for)
    return _add_changes(schedule, kind, scheduled_for)


def _add_changes(schedule: ExportSchedule, kind: Kind, scheduled_for: datetime | None) -> Export:
    """What changed since the last delivered file goes by the ids of the history's rows, up to one before
    which nothing can appear any more (consent/change_feed.py): no change falls between two files, or into
    both."""
    before = _delivered(schedule)
    after = before.up_to_change_id if before and before.up_to_change_id else 0
    settled = db.session.scalars(select(func.settled_change_id())).one()
    zone, now = schedule.owner.tenant.zone, datetime.now(UTC)
    held = kind.held(Filters.from_stored(schedule.filters))
    first = select(func.min(OptOutChange.changed_at)).where(*held)
    begins = before.ends_at if before else db.session.scalar(first)
    begins = min(begins or now, now)
    return add_run(
        schedule,
        kind,
        begins.astimezone(zone).date(),
        now.astimezone(zone).date(),
        starts_at=begins,
        ends_at=now,
        scheduled_for=scheduled_for,
        after_change_id=after,
        up_to_change_id=max(after, settled),
    )


def _on_its_way(schedule: ExportSchedule) -> bool:
    """Whether a file of what changed is neither delivered nor failed, so that nobody knows what the next one
    begins with."""
    if schedule.period != Period.CHANGED:
        return False
    query = _files_of_changes(schedule).where(Export.state.in_(UNFINISHED))
    return db.session.scalars(query.limit(1)).first() is not None


def _half_delivered(schedule: ExportSchedule) -> Export | None:
    """The last file of what changed, where it failed after it had reached one of several ways. A new one in
    its place would bring that way its changes twice."""
    if schedule.period != Period.CHANGED:
        return None
    last = db.session.scalars(_files_of_changes(schedule).order_by(Export.id.desc()).limit(1)).first()
    return last if last and last.state == ExportState.FAILED and last.half_delivered else None


def _delivered(schedule: ExportSchedule) -> Export | None:
    """The last file of what changed that every way of the schedule has: where the next one begins."""
    query = _files_of_changes(schedule).where(Export.state == ExportState.SENT)
    return db.session.scalars(
        query.order_by(Export.up_to_change_id.desc(), Export.id.desc()).limit(1)
    ).first()


def _files_of_changes(schedule: ExportSchedule) -> Any:
    return select(Export).where(Export.schedule_id == schedule.id, Export.up_to_change_id.is_not(None))
