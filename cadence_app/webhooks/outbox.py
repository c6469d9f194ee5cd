"""From the ledger to deliveries: each change once for each endpoint it fits, and which are to go next."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import aliased

from cadence_app.consent.change_feed import as_they_stand, changes_after
from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use
from cadence_app.webhooks.events import event_of
from cadence_app.webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint

_CHANGES_AT_ONCE = 500


def take_changes(endpoint_id: int) -> bool:
    """Makes deliveries of the next changes after the endpoint's cursor and moves it, in one transaction; two
    at once wait for each other at the endpoint's row. Whether there is more to take."""
    locked = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).with_for_update()
    endpoint = db.session.scalars(locked.execution_options(populate_existing=True)).one()
    feed = changes_after(
        endpoint.cursor,
        _CHANGES_AT_ONCE,
        team_ids=endpoint.team_ids,
        sources=endpoint.sources,
    )
    changes, taken = as_they_stand(feed.changes)
    if changes:
        rows = [_delivery(endpoint, change) for change in changes]
        db.session.execute(insert(WebhookDelivery), rows)
    left = taken < len(feed.changes)
    endpoint.cursor = feed.changes[taken - 1].id if left else feed.cursor
    db.session.commit()
    return left or feed.more


def next_due(endpoint_id: int, limit: int) -> list[WebhookDelivery]:
    """What is due, oldest first: of each contact only the first that is pending, so none overtakes it."""
    earlier = aliased(WebhookDelivery)
    behind = exists().where(
        earlier.endpoint_id == WebhookDelivery.endpoint_id,
        earlier.contact_id == WebhookDelivery.contact_id,
        earlier.state == DeliveryState.PENDING,
        earlier.id < WebhookDelivery.id,
    )
    query = (
        select(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id == endpoint_id,
            WebhookDelivery.state == DeliveryState.PENDING,
            WebhookDelivery.next_attempt_at <= func.now(),
            ~behind,
        )
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def usable_endpoints(endpoint_ids: Sequence[int] | None = None) -> list[WebhookEndpoint]:
    """The tenant's endpoints (or those of the ids) that may be sent to just now, as they are now."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.paused_at.is_(None),
        WebhookEndpoint.off_at.is_(None),
        WebhookEndpoint.deleted_at.is_(None),
        func.coalesce(WebhookEndpoint.quiet_until <= func.now(), True),
    )
    if endpoint_ids is not None:
        query = query.where(WebhookEndpoint.id.in_(endpoint_ids))
    ordered = query.order_by(WebhookEndpoint.id).execution_options(populate_existing=True)
    return list(db.session.scalars(ordered))


def has_work(endpoint: WebhookEndpoint) -> bool:
    """Whether something is due, or the ledger went on after the endpoint's cursor."""
    if next_due(endpoint.id, 1):
        return True
    settled = db.session.scalars(select(func.settled_change_id())).one()
    waiting = select(OptOutChange.id).where(OptOutChange.id > endpoint.cursor, OptOutChange.id <= settled)
    return db.session.scalar(waiting.limit(1)) is not None


def _delivery(endpoint: WebhookEndpoint, change: OptOutChange) -> dict[str, object]:
    event_id, body = event_of(change)
    return {
        "tenant_id": tenant_in_use(),
        "endpoint_id": endpoint.id,
        "change_id": change.id,
        "contact_id": change.contact_id,
        "event_id": event_id,
        "body": body,
        "state": DeliveryState.PENDING,
        "attempts": 0,
    }
