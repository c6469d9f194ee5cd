"""The log of deliveries: reading it, sending again, and forgetting what is old."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from cadence_app.contacts.models import Contact
from cadence_app.contacts.searching import matches
from cadence_app.extensions import db
from cadence_app.webhooks.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint

PAGE = 25
_FORGET_AT_ONCE = 5000
_AGAIN = {"state": DeliveryState.PENDING, "attempts": 0, "next_attempt_at": func.now(), "finished_at": None}


@dataclass(frozen=True)
class Page:
    """Newest first; `older` is the id that the next page begins under, if there is one."""

    deliveries: list[WebhookDelivery]
    older: int | None


def deliveries_of(endpoint: WebhookEndpoint, state: str, contact: str, before: int | None) -> Page:
    """A page of the log. Empty `state` and `contact` (part of a name, an id or a number) take all."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    if state:
        query = query.where(WebhookDelivery.state == state)
    if contact:
        query = query.where(WebhookDelivery.contact_id.in_(select(Contact.id).where(matches(contact))))
    if before:
        query = query.where(WebhookDelivery.id < before)
    found = list(db.session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(PAGE + 1)))
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def latest_attempts(deliveries: list[WebhookDelivery]) -> dict[int, WebhookAttempt]:
    """The last try of each, by the delivery's id."""
    query = (
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id.in_([delivery.id for delivery in deliveries]))
        .ext(distinct_on(WebhookAttempt.delivery_id))
        .order_by(WebhookAttempt.delivery_id, WebhookAttempt.id.desc())
    )
    return {attempt.delivery_id: attempt for attempt in db.session.scalars(query)}


def told(delivery: WebhookDelivery) -> dict[str, Any]:
    """The body's `data`, to show whose change it was."""
    data: dict[str, Any] = json.loads(delivery.body)["data"]
    return data


def find_delivery(endpoint: WebhookEndpoint, delivery_id: int) -> WebhookDelivery | None:
    query = select(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint.id
    )
    return db.session.scalars(query).one_or_none()


def blocking(delivery: WebhookDelivery) -> WebhookDelivery | None:
    """The earlier event about the same contact that must go first."""
    query = select(WebhookDelivery).where(
        WebhookDelivery.endpoint_id == delivery.endpoint_id,
        WebhookDelivery.contact_id == delivery.contact_id,
        WebhookDelivery.state == DeliveryState.PENDING,
        WebhookDelivery.id < delivery.id,
    )
    return db.session.scalars(query.order_by(WebhookDelivery.id).limit(1)).one_or_none()


def send_again(delivery: WebhookDelivery) -> None:
    """Makes it due now with a fresh schedule and the same webhook-id, and lets a quiet endpoint be tried at
    once. Commits."""
    _end_quiet(delivery.endpoint_id)
    db.session.execute(update(WebhookDelivery).where(WebhookDelivery.id == delivery.id).values(_AGAIN))
    db.session.commit()


def send_failed_again(endpoint: WebhookEndpoint, since: datetime) -> int:
    """The same for all that failed for good at or after a time; how many. Tests stay as they are."""
    _end_quiet(endpoint.id)
    done = db.session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.state == DeliveryState.FAILED,
            WebhookDelivery.change_id.is_not(None),
            WebhookDelivery.finished_at >= since,
        )
        .values(_AGAIN)
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )
    count = len(done.all())
    db.session.commit()
    return count


def _end_quiet(endpoint_id: int) -> None:
    """Locks the endpoint, as who notes an answer does before its deliveries: the other order would end in a
    circle of waiting."""
    db.session.execute(
        update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(quiet_until=None)
    )


def kept_for() -> timedelta:
    """How long what has ended stays in the log."""
    return timedelta(days=current_app.config["WEBHOOK_LOG_DAYS"])


def prune() -> None:
    """Forgets what ended longer ago than the log is kept, and all of deleted endpoints; commits. What is
    still pending is never forgotten."""
    oldest = datetime.now(UTC) - kept_for()
    deleted = select(WebhookEndpoint.id).where(WebhookEndpoint.deleted_at.is_not(None))
    ended = and_(WebhookDelivery.state != DeliveryState.PENDING, WebhookDelivery.finished_at < oldest)
    while _forget(or_(ended, WebhookDelivery.endpoint_id.in_(deleted))):
        pass


def _forget(which: ColumnElement[bool]) -> bool:
    """Deletes some of them and commits. Whether there may be more."""
    ids = db.session.scalars(select(WebhookDelivery.id).where(which).limit(_FORGET_AT_ONCE)).all()
    db.session.execute(delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(ids)))
    db.session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(ids)))
    db.session.commit()
    return len(ids) == _FORGET_AT_ONCE
