"""The export service both modes' screens call: request, list, find, try again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.reports.destinations.models import Destination
from cadence_app.reports.destinations.naming import file_name
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import KINDS, Kind
from cadence_app.reports.models import (
    UNFINISHED,
    DeliveryState,
    Export,
    ExportDelivery,
    ExportRecipient,
    ExportState,
    Format,
)
from cadence_app.reports.ranges import utc_bounds
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.work.locks import Pair, hold
from cadence_app.work.queueing import Job

# The same request again within this time is a second press of the same button.
_SAME_PRESS = timedelta(seconds=10)
_EVERYTHING = Filters()
# Takes an export, by its tenant's id and its own, as far as it goes (jobs.py).
running = Job[[int, int]]("reports", seconds=4 * 3600)


def request_export(
    user: User,
    kind: Kind,
    start: date,
    end: date,
    filters: Filters = _EVERYTHING,
    extra: Collection[str] = (),
    file_format: Format = Format.CSV,
    destinations: Collection[Destination] = (),
    by: str = "",
) -> tuple[Export, bool]:
    """Records a user's request for whole days of their tenant's zone, both included, and commits it. `extra`
    names the kind's extra columns that are wanted. It goes to the user by mail, and to the destinations. The
    audit log says who asked: `by`, in words, where it is not the user themselves.

    Returns the request and whether it is new: the same one pressed twice within seconds is one. The caller
    then calls enqueue(); were that lost, the sweep finds the row. Errors: ValueError for end before start and
    for a filter or column that the kind does not have.
    """
    wanted = _wanted(kind, start, end, filters, extra, file_format)
    # Two presses at once wait for each other here, whichever server processes they reach.
    hold(Pair.REQUESTED_EXPORTS, user.id)
    pressed = db.session.scalars(
        select(Export).where(
            Export.requested_by_id == user.id,
            Export.schedule_id.is_(None),
            *(getattr(Export, name) == value for name, value in wanted.items()),
            Export.requested_at > func.clock_timestamp() - _SAME_PRESS,
        )
    )
    places = {destination.id for destination in destinations}
    for same in pressed:
        if {delivery.destination_id for delivery in same.deliveries} == places:
            db.session.commit()
            return same, False
    export = _add(user, wanted, [user], destinations)
    to = [user.email, *(destination.name for destination in destinations)]
    audit.record(by or user, "export.requested", said(export), format=(None, export.format), to=(None, to))
    db.session.commit()
    return export, True


def said(export: Export) -> str:
    """An export as the audit log names it."""
    return f"{KINDS[export.kind].title}, {export.start_date} to {export.end_date}"


def add_run(schedule: ExportSchedule, kind: Kind, start: date, end: date, **of_run: Any) -> Export:
    """Adds a schedule's export for all its recipients and destinations, with the columns `of_run`, and
    commits nothing. Errors: as request_export()."""
    filters = Filters.from_stored(schedule.filters)
    wanted = _wanted(kind, start, end, filters, schedule.extra_columns, schedule.format)
    wanted |= of_run | {"schedule_id": schedule.id}
    return _add(schedule.owner, wanted, schedule.recipients, schedule.destinations)


def _wanted(
    kind: Kind, start: date, end: date, filters: Filters, extra: Collection[str], file_format: Format
) -> dict[str, Any]:
    """What an export's row says of what was asked for."""
    if end < start:
        raise ValueError("the range ends before it starts")
    names = [column.name for column in kind.extra if column.name in extra]
    if not filters.stored.keys() <= kind.filters.keys() or len(names) != len(set(extra)):
        raise ValueError(f"{kind.title} has no such filter or column")
    return {
        "kind": kind.key,
        "start_date": start,
        "end_date": end,
        "format": file_format,
        "filters": filters.stored,
        "extra_columns": names,
    }


def _add(
    user: User,
    wanted: dict[str, Any],
    recipients: Collection[User],
    destinations: Collection[Destination],
) -> Export:
    starts_at, ends_at = utc_bounds(wanted["start_date"], wanted["end_date"], user.tenant.zone)
    export = Export(
        tenant_id=user.tenant_id,
        **{"starts_at": starts_at, "ends_at": ends_at} | wanted,
        time_zone=user.tenant.time_zone,
        requested_by_id=user.id,
        requested_at=func.clock_timestamp(),
        state=ExportState.QUEUED,
        recipients=[ExportRecipient(tenant_id=user.tenant_id, user_id=each.id) for each in recipients],
        deliveries=[_delivery(user, wanted, each) for each in destinations],
    )
    db.session.add(export)
    return export


def _delivery(user: User, wanted: dict[str, Any], destination: Destination) -> ExportDelivery:
    """The file's name is settled here, so that however often it is tried it is one file."""
    name = file_name(
        destination.file_pattern,
        wanted["kind"],
        wanted["start_date"],
        wanted["end_date"],
        datetime.now(UTC),
        user.tenant.zone,
        wanted["format"],
    )
    return ExportDelivery(tenant_id=user.tenant_id, destination_id=destination.id, file_name=name)


def enqueue(export: Export) -> bool:
    """Puts an export on the worker's queue, unless it waits there already. False where Redis is out of
    reach; the sweep puts it there later."""
    return queue_up(export.tenant_id, export.id)


def queue_up(tenant_id: int, export_id: int) -> bool:
    """enqueue() by ids."""
    return running.put(f"export-{export_id}", tenant_id, export_id)


def recent_exports(kind: Kind, limit: int = 50) -> list[Export]:
    """The tenant's requests of a kind, newest first."""
    return list(
        db.session.scalars(
            select(Export).where(Export.kind == kind.key).order_by(Export.id.desc()).limit(limit)
        )
    )


def latest_requests() -> dict[str, datetime]:
    """When the tenant last requested each kind, by the kind's key."""
    query = select(Export.kind, func.max(Export.requested_at)).group_by(Export.kind)
    return {row[0]: row[1] for row in db.session.execute(query)}


def find_export(export_id: int) -> Export | None:
    """The tenant's export with this id."""
    return db.session.get(Export, export_id)


def downloadable(export: Export) -> bool:
    """Whether the finished file can be had: it is there and its link has not expired."""
    if not export.file_key or export.expires_at is None:
        return False
    return bool(db.session.scalar(select(export.expires_at > func.now())))


def superseded(export: Export) -> bool:
    """Whether a later file of the same schedule holds, or is about to hold, the changes of this one: sending
    this one too would send them twice."""
    if not export.changes:
        return False
    later = select(Export.id).where(
        Export.schedule_id == export.schedule_id,
        Export.id > export.id,
        Export.up_to_change_id.is_not(None),
        Export.state.in_((*UNFINISHED, ExportState.SENT)),
    )
    return db.session.scalar(later.limit(1)) is not None


def retry(export: Export) -> bool:
    """Gives a failed export a fresh start and commits: from its delivery where the file is there, to whoever
    has not got it. False where it is superseded()."""
    if export.schedule_id:
        # Neither a run of the schedule nor another retry decides at the same time.
        db.session.get_one(ExportSchedule, export.schedule_id, with_for_update=True)
        db.session.refresh(export)
    if export.state != ExportState.FAILED or superseded(export):
        db.session.commit()
        return export.state != ExportState.FAILED
    if downloadable(export):
        export.state = ExportState.MAILING
        export.expires_at = func.now() + timedelta(days=current_app.config["EXPORT_LINK_DAYS"])
    else:
        export.state = ExportState.QUEUED
    if not export.mailed:
        for recipient in export.recipients:
            recipient.problem = ""
    for delivery in export.deliveries:
        if delivery.state == DeliveryState.FAILED:
            delivery.state, delivery.attempts, delivery.problem = DeliveryState.WAITING, 0, ""
            delivery.tell_at = None
    export.attempts = 0
    export.problem = ""
    export.next_attempt_at = func.now()
    db.session.commit()
    return True
