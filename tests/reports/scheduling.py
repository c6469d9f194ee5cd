"""What tests of schedules do: make one, let time pass, sweep, and read what reached whom."""

from __future__ import annotations

import mailbox
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlalchemy import select

from cadence_app.accounts.models import Role, User
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY, Kind
from cadence_app.reports.models import Export, Format
from cadence_app.reports.schedule_jobs import sweep_schedules
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedules import Every, Period, Timing
from tests.reports.exporting import NEW_YORK, run
from tests.world import World, make_user

DAILY_AT_6 = Timing(Every.DAY, 0, 1, 6)
_EVERYTHING = Filters()


def add_schedule(
    world: World,
    period: Period = Period.DAY,
    recipient_ids: tuple[int, ...] = (),
    kind: Kind = OPT_OUT_HISTORY,
    filters: Filters = _EVERYTHING,
    extra: tuple[str, ...] = (),
) -> int:
    """The admin's daily schedule; without recipients, for the admin alone."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        to = [db.session.get_one(User, user_id) for user_id in recipient_ids] or [admin]
        plan = schedule_runs.Plan(filters, extra, Format.CSV, period, DAILY_AT_6, to)
        return schedule_runs.add_schedule(admin, kind, plan).id


def add_admin(world: World, name: str = "Second Admin") -> int:
    """Another admin of the tenant."""
    with world.session():
        user = make_user(world.tenant_id, Role.ADMIN, name)
        db.session.commit()
        return user.id


def make_due(world: World, schedule_id: int, days: int = 0) -> datetime:
    """Lets the schedule have been due since its latest time, or days before it. Returns its latest time."""
    with world.session():
        schedule = db.session.get_one(ExportSchedule, schedule_id)
        latest = DAILY_AT_6.latest_run(NEW_YORK, datetime.now(UTC)).at
        schedule.next_run_at = latest - timedelta(days=days)
        db.session.commit()
        return latest


def sweep(world: World) -> None:
    with world.app.app_context():
        sweep_schedules()


def exports_of(world: World, schedule_id: int) -> list[Export]:
    """What the schedule made, oldest first, detached."""
    with world.session():
        query = select(Export).where(Export.schedule_id == schedule_id).order_by(Export.id)
        exports = list(db.session.scalars(query))
        db.session.expunge_all()
        return exports


def begin_next(world: World, schedule_id: int) -> int | None:
    """Makes the schedule's next run as if its time had come; the id of its export."""
    with world.session():
        at = db.session.get_one(ExportSchedule, schedule_id).next_run_at
        export = schedule_runs.run_due(schedule_id, at)
        return export.id if export else None


def run_next(world: World, schedule_id: int) -> Export:
    """The schedule's next run, and the worker's part of it."""
    export_id = begin_next(world, schedule_id)
    assert export_id
    return run(world, export_id)


def mails_of(world: World, export: Export) -> dict[str, EmailMessage]:
    """The mails that brought an export, by the address they went to."""
    box = mailbox.Maildir(world.app.config["MAIL_DIR"])
    mails = [message_from_bytes(box.get_bytes(key), policy=policy.default) for key in box.iterkeys()]
    start = f"<export-{world.tenant_id}-{export.id}-"
    return {
        mail["To"].addresses[0].addr_spec: mail for mail in mails if str(mail["Message-ID"]).startswith(start)
    }


def address_of(world: World, user_id: int) -> str:
    with world.session():
        return db.session.get_one(User, user_id).email
