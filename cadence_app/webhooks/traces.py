"""What webhooks keep of a person: bodies that name them, in the log of deliveries."""

from __future__ import annotations

from sqlalchemy import delete, select

from cadence_app.extensions import db
from cadence_app.traces import Fate, HandedOut, Kept, Leaving, Person, Traces, instant, register
from cadence_app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

_AS_SENT = "In a merge, the log says what was sent, and of whom it was then."
_TABLES = (
    Kept(WebhookDelivery, Fate.DELETED, Fate.DELETED, Fate.STAYS, "webhooks", _AS_SENT),
    Kept(WebhookAttempt, Fate.DELETED, Fate.DELETED, Fate.STAYS, "webhooks", _AS_SENT),
)
_TOLD = {"webhooks": "what other systems were told of them, and what they answered"}


def _clear(leaving: Leaving) -> None:
    """Deletes what the log has of them. One that has not arrived yet is not sent any more: the receiver reads
    the change, without the person, from the API's feed."""
    theirs = select(WebhookDelivery.id).where(WebhookDelivery.contact_id.in_(leaving.ids)).with_for_update()
    found = db.session.scalars(theirs.order_by(WebhookDelivery.id)).all()
    db.session.execute(delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(found)))
    db.session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(found)))


def _hand_out(person: Person) -> HandedOut:
    """A row for each try, and one for what was not tried yet."""
    query = (
        select(WebhookDelivery, WebhookAttempt, WebhookEndpoint)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .outerjoin(WebhookAttempt, WebhookAttempt.delivery_id == WebhookDelivery.id)
        .where(WebhookDelivery.contact_id.in_(person.ids))
        .order_by(WebhookDelivery.id, WebhookAttempt.id)
    )
    rows = [
        {
            "at": instant(attempt.at if attempt else delivery.created_at),
            "to": endpoint.name,
            "body": delivery.body,
            "state": delivery.state,
            "answer": attempt.response if attempt else "",
        }
        for delivery, attempt, endpoint in db.session.execute(query)
    ]
    return HandedOut({"webhooks": rows})


register(Traces("webhooks", _TABLES, _TOLD, clear=_clear, hand_out=_hand_out))
