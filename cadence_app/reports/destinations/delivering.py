"""Takes a finished file to a destination: once in the end, whatever happens on the way."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import func

from cadence_app import files
from cadence_app.extensions import db
from cadence_app.reports.destinations import service
from cadence_app.reports.destinations.models import WhenTaken
from cadence_app.reports.destinations.naming import digest_line
from cadence_app.reports.destinations.problems import DeliveryProblem
from cadence_app.reports.models import DeliveryState, ExportDelivery

# Tries of what does not pass by itself, such as a refused sign-in: with the waits between them, five minutes.
_LASTING_ATTEMPTS = 5


def deliver(delivery: ExportDelivery) -> None:
    """Delivers a file, or says in its row why it has to wait or failed for good, and commits. Errors:
    FileNotFoundError where the file is gone from our own storage."""
    destination, export = delivery.destination, delivery.export
    if destination.deleted_at:
        delivery.state, delivery.problem = DeliveryState.DROPPED, "the destination was deleted"
        db.session.commit()
        return
    if destination.paused_at:
        delivery.problem = "the destination is paused"
        db.session.commit()
        return
    delivery.attempts += 1
    db.session.commit()
    # Asked for first: that a file of ours is gone is no failure of the destination.
    content = files.chunks(export.file_key)
    try:
        store = service.store_of(destination)
        there = store.holds(delivery.file_name, export.size or 0, export.sha256)
        # The same file there already is our own: a worker died before it could say so.
        if not there:
            if there is False and destination.when_taken == WhenTaken.WAIT:
                raise DeliveryProblem("A file of that name is still there, so this one waits")
            part = f"{delivery.file_name}.{export.id}.part"
            store.put(delivery.file_name, content, export.size or 0, part)
        if destination.with_digest:
            name, line = f"{delivery.file_name}.sha256", digest_line(export.sha256, delivery.file_name)
            store.put(name, [line], len(line), f"{name}.{export.id}.part")
    except DeliveryProblem as problem:
        delivery.problem = str(problem)
        if problem.lasting and delivery.attempts >= _LASTING_ATTEMPTS:
            give_up(delivery, "")
    except Exception:
        current_app.logger.exception("export %s could not be delivered", export.id)
        delivery.problem = "Something broke on our side; the log on the server says what"
    else:
        delivery.state, delivery.problem, delivery.delivered_at = DeliveryState.DELIVERED, "", func.now()
    db.session.commit()


def give_up(delivery: ExportDelivery, why: str) -> None:
    """Ends the tries of a delivery that still waits; the admins are told (jobs.py)."""
    if delivery.waiting:
        delivery.state, delivery.problem = DeliveryState.FAILED, delivery.problem or why
        delivery.tell_at = func.now()
