"""Which ways the files of a schedule go: to whom by mail, and to which destinations."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, func, select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.reports.destinations.models import Destination
from cadence_app.reports.models import UNFINISHED, DeliveryState, Export, ExportState
from cadence_app.reports.schedule_models import (
    ExportSchedule,
    ExportScheduleDestination,
    ExportScheduleRecipient,
)


def set_ways(
    schedule: ExportSchedule, recipients: Collection[User], destinations: Collection[Destination]
) -> None:
    """What the next files go. Commits nothing, and neither does let_go()."""
    mails, places = ExportScheduleRecipient, ExportScheduleDestination
    db.session.execute(delete(mails).where(mails.schedule_id == schedule.id))
    db.session.execute(delete(places).where(places.schedule_id == schedule.id))
    of = {"schedule_id": schedule.id, "tenant_id": schedule.tenant_id}
    db.session.add_all(mails(user_id=user.id, **of) for user in recipients)
    db.session.add_all(places(destination_id=each.id, **of) for each in destinations)


def let_go(
    schedule: ExportSchedule, recipients: Collection[User], destinations: Collection[Destination]
) -> None:
    """Takes the ways that are none any more off the files that they have not got: what waited for
    those alone is sent."""
    people, places = {user.id for user in recipients}, {each.id for each in destinations}
    undelivered = select(Export).where(
        Export.schedule_id == schedule.id, Export.state.in_((*UNFINISHED, ExportState.FAILED))
    )
    for export in db.session.scalars(undelivered.order_by(Export.id)).all():
        if export.half_delivered:
            for recipient in [each for each in export.recipients if not each.sent_at]:
                if recipient.user_id not in people:
                    export.recipients.remove(recipient)
                    db.session.delete(recipient)
        for delivery in export.deliveries:
            if delivery.destination_id not in places and delivery.delivered_at is None:
                delivery.state, delivery.problem = DeliveryState.DROPPED, "taken out of the schedule"
                delivery.tell_at = None
        if export.state == ExportState.FAILED and export.delivered:
            export.state, export.sent_at, export.problem = ExportState.SENT, func.now(), ""
