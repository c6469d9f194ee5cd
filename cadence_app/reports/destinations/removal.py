"""Deleting a destination, which takes it out of what still counts on it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.reports.destinations import service
from cadence_app.reports.destinations.models import Destination
from cadence_app.reports.models import DeliveryState, ExportDelivery
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedule_runs import all_schedules, lock
from cadence_app.reports.schedule_ways import let_go, set_ways


def schedules_of(destination: Destination) -> list[ExportSchedule]:
    """The schedules that deliver to a destination."""
    return [each for each in all_schedules() if destination.id in {way.id for way in each.destinations}]


def delete_destination(user: User, destination: Destination) -> list[ExportSchedule]:
    """Deletes a destination, takes it out of the schedules, and commits that. What waited to go there is
    dropped. Returns the schedules that had no other way, and are paused by it."""
    paused = []
    for schedule in schedules_of(destination):
        lock(schedule)
        recipients = list(schedule.recipients)
        rest = [each for each in schedule.destinations if each.id != destination.id]
        set_ways(schedule, recipients, rest)
        let_go(schedule, recipients, rest)
        if not rest and not recipients:
            schedule.paused_at = schedule.paused_at or datetime.now(UTC)
            paused.append(schedule)
    undelivered = select(ExportDelivery).where(
        ExportDelivery.destination_id == destination.id,
        ExportDelivery.state.in_((DeliveryState.WAITING, DeliveryState.FAILED)),
    )
    for delivery in db.session.scalars(undelivered).all():
        delivery.state, delivery.problem = DeliveryState.DROPPED, "the destination was deleted"
        delivery.tell_at = None
    service.mark_deleted(user, destination)
    db.session.commit()
    return paused
