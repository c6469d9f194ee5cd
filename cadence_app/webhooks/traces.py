"""What webhooks keep of a person: bodies that name them, in the log of deliveries."""

from __future__ import annotations

from sqlalchemy import delete, select

from cadence_app.contacts.forgetting import Leaving, Traces, register
from cadence_app.extensions import db
from cadence_app.webhooks.models import WebhookAttempt, WebhookDelivery


def _clear(leaving: Leaving) -> None:
    """Deletes what the log has of them. One that has not arrived yet is not sent any more: the receiver reads
    the change, without the person, from the API's feed."""
    theirs = select(WebhookDelivery.id).where(WebhookDelivery.contact_id.in_(leaving.ids)).with_for_update()
    found = db.session.scalars(theirs.order_by(WebhookDelivery.id)).all()
    db.session.execute(delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(found)))
    db.session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(found)))


register(Traces("webhooks", clear=_clear))
