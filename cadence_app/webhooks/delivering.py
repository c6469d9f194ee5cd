"""Sending what is due to one endpoint, and what follows from each answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy import func, select

from cadence_app.accounts import audit
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use
from cadence_app.vault import Unreadable, decrypt
from cadence_app.webhooks import outbox
from cadence_app.webhooks.answers import Answer, Outgoing, Sender
from cadence_app.webhooks.events import sample_event
from cadence_app.webhooks.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from cadence_app.webhooks.signing import signed_headers
from cadence_app.work.retrying import Retrying, spread

# The waits after each failed try, as Standard Webhooks 1.0 suggests them: three days in all.
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
_AT_ONCE = 32
# After this long a run makes room for the other endpoints; what is left goes on in the next one.
_RUN_SECONDS = 10
# So many failures in a row, without one success, and the endpoint is left in peace for a while.
_FAILURES_BEFORE_QUIET = 20
# It is never given up for that: days without a success turn it off (_judge).
_QUIET = Retrying(timedelta(seconds=30), timedelta(minutes=15))

UNREADABLE = "Its secret cannot be read, because SECRET_KEY has changed. Roll the secret, then turn it on."
GONE = "It answered 410 Gone: it wants no more events."


def deliver_due(endpoint_id: int) -> None:
    """Takes changes from the ledger and sends what is due, until nothing is or the run's time is over. One
    worker at a time for each endpoint."""
    ends = time.monotonic() + _RUN_SECONDS
    with Sender() as sender:
        while time.monotonic() < ends and (usable := outbox.usable_endpoints([endpoint_id])):
            batch = _next_batch(endpoint_id)
            if not batch or not _send_batch(sender, usable[0], batch):
                break
    db.session.rollback()


def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Sends a test event once, at once, whatever state the endpoint is in, and commits what came of it.
    Errors: Unreadable."""
    event_id, body = sample_event()
    delivery = WebhookDelivery(
        tenant_id=tenant_in_use(), endpoint_id=endpoint.id, event_id=event_id, body=body, attempts=1
    )
    outgoing = _outgoing(endpoint, delivery)
    db.session.rollback()
    with Sender() as sender:
        (answer,) = sender.send([outgoing])
    delivery.state = DeliveryState.DELIVERED if answer.ok else DeliveryState.FAILED
    delivery.finished_at = datetime.now(UTC)
    db.session.add(delivery)
    db.session.flush()
    db.session.add(_attempt(delivery.id, answer))
    db.session.commit()
    return delivery


def turn_off(endpoint: WebhookEndpoint, reason: str) -> None:
    """Turns an endpoint off in the open transaction. The sweep mails the admins."""
    endpoint.off_at, endpoint.off_reason, endpoint.off_told_at = datetime.now(UTC), reason, None
    audit.record(audit.CADENCE, "webhook.turned_off", endpoint.name, reason=(None, reason))


def _next_batch(endpoint_id: int) -> list[WebhookDelivery]:
    batch = outbox.next_due(endpoint_id, _AT_ONCE)
    more = len(batch) < _AT_ONCE
    while more and len(batch) < _AT_ONCE:
        more = outbox.take_changes(endpoint_id)
        batch = outbox.next_due(endpoint_id, _AT_ONCE)
    return batch


def _send_batch(sender: Sender, endpoint: WebhookEndpoint, batch: Sequence[WebhookDelivery]) -> bool:
    """Whether the endpoint may get more."""
    try:
        outgoing = [_outgoing(endpoint, delivery) for delivery in batch]
    except Unreadable:
        turn_off(endpoint, UNREADABLE)
        db.session.commit()
        return False
    ids = [delivery.id for delivery in batch]
    # No transaction stays open while the network answers.
    db.session.rollback()
    _note(endpoint.id, ids, sender.send(outgoing))
    return True


def _outgoing(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> Outgoing:
    signers = [decrypt(endpoint.secret)]
    if endpoint.overlapping and endpoint.former_secret:
        signers.append(decrypt(endpoint.former_secret))
    headers = signed_headers(delivery.event_id, datetime.now(UTC), delivery.body, signers)
    headers |= {"content-type": "application/json", "user-agent": "Cadence-Webhooks/1.0"}
    return Outgoing(endpoint.url, headers, delivery.body)


def _note(endpoint_id: int, ids: Sequence[int], answers: Sequence[Answer]) -> None:
    """Writes what came of a batch, in one transaction."""
    locked = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).with_for_update()
    endpoint = db.session.scalars(locked.execution_options(populate_existing=True)).one()
    rows = db.session.scalars(
        select(WebhookDelivery).where(WebhookDelivery.id.in_(ids)).with_for_update(key_share=True)
    )
    found = {delivery.id: delivery for delivery in rows}
    for delivery_id, answer in zip(ids, answers, strict=True):
        if delivery := found.get(delivery_id):
            db.session.add(_attempt(delivery_id, answer))
            _conclude(delivery, answer)
    _judge(endpoint, answers)
    db.session.commit()


def _attempt(delivery_id: int, answer: Answer) -> WebhookAttempt:
    return WebhookAttempt(
        tenant_id=tenant_in_use(),
        delivery_id=delivery_id,
        at=answer.at,
        milliseconds=answer.milliseconds,
        status=answer.status,
        error=answer.error,
        response=answer.response,
    )


def _conclude(delivery: WebhookDelivery, answer: Answer) -> None:
    """One that has failed for good lets the contact's later ones go on."""
    delivery.attempts += 1
    if answer.ok:
        delivery.state, delivery.finished_at = DeliveryState.DELIVERED, func.now()
    elif delivery.attempts > len(RETRY_AFTER):
        delivery.state, delivery.finished_at = DeliveryState.FAILED, func.now()
    else:
        delivery.next_attempt_at = func.now() + spread(RETRY_AFTER[delivery.attempts - 1])


def _judge(endpoint: WebhookEndpoint, answers: Sequence[Answer]) -> None:
    """What a batch says of the endpoint as a whole."""
    if any(answer.ok for answer in answers):
        endpoint.failures, endpoint.failing_since, endpoint.quiet_until = 0, None, None
        return
    now = datetime.now(UTC)
    endpoint.failures += len(answers)
    endpoint.failing_since = endpoint.failing_since or now
    days = current_app.config["WEBHOOK_GIVE_UP_DAYS"]
    if endpoint.off_at:
        return
    if any(answer.gone for answer in answers):
        turn_off(endpoint, GONE)
    elif endpoint.failing_since < now - timedelta(days=days):
        turn_off(endpoint, f"Nothing has reached it for {days} days. The last try: {answers[-1].error}")
    elif rounds := endpoint.failures // _FAILURES_BEFORE_QUIET:
        endpoint.quiet_until = now + _QUIET.wait(rounds)
