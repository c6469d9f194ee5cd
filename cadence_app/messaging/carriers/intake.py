"""Taking in what a carrier posted: kept first, so that the carrier may forget it, then read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError

from cadence_app.extensions import db
from cadence_app.messaging.carriers.events import Text
from cadence_app.messaging.carriers.models import CarrierAccount, CarrierEvent
from cadence_app.messaging.inbound import CarrierSays, Received, receive_text
from cadence_app.messaging.models import Inbox

# Telnyx waits two seconds for the answer; whatever is held up longer than this is read by the sweep.
_PATIENCE = text("SET LOCAL lock_timeout = '800ms'")
_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=5)
# With the longest wait between two, about two days.
_ATTEMPTS = 580


def keep(account: CarrierAccount, texts: Sequence[Text]) -> list[int]:
    """Keeps texts and commits. Returns the ids of those that are new; one that was kept before is not."""
    if not texts:
        return []
    rows = [
        {
            "tenant_id": account.tenant_id,
            "account_id": account.id,
            "carrier_message_id": each.carrier_message_id,
            "content": each.as_json(),
        }
        for each in texts
    ]
    statement = upsert(CarrierEvent).on_conflict_do_nothing(
        index_elements=["account_id", "carrier_message_id"]
    )
    ids = list(db.session.scalars(statement.returning(CarrierEvent.id), rows))
    db.session.commit()
    return ids


def take_in(event_id: int) -> Received | None:
    """Reads a kept text as one that came to its inbox, and commits. None where that can't be done now (it is
    tried again), at all (the event says why), or was done already."""
    db.session.execute(_PATIENCE)
    waiting = select(CarrierEvent).where(
        CarrierEvent.id == event_id, CarrierEvent.next_attempt_at.is_not(None)
    )
    event = db.session.scalars(waiting.with_for_update(skip_locked=True)).one_or_none()
    if event is None:
        db.session.rollback()
        return None
    came = Text.from_json(event.content)
    account = db.session.get_one(CarrierAccount, event.account_id)
    if not _is_ours(account, came.to_number):
        problem = f"No inbox of this account has the number {came.to_number}."
        current_app.logger.warning("carrier event %s: %s", event_id, problem)
        _end(event_id, problem=problem)
        db.session.commit()
        return None
    try:
        _end(event_id)
        return receive_text(
            came.to_number,
            came.from_number,
            came.body,
            came.carrier_message_id,
            came.received_at,
            carrier=CarrierSays(account.keyword_answers, came.answered),
        )
    except OperationalError:
        # Somebody else holds the contact; nothing of it was written.
        db.session.rollback()
    except Exception:
        db.session.rollback()
        current_app.logger.exception("carrier event %s could not be read", event_id)
    _later(event_id)
    return None


def due() -> list[int]:
    """The tenant's events that are to be read now, oldest first."""
    query = select(CarrierEvent.id).where(CarrierEvent.next_attempt_at <= func.now())
    return list(db.session.scalars(query.order_by(CarrierEvent.id)))


def _is_ours(account: CarrierAccount, number: str) -> bool:
    """An account may bring texts to its own inboxes only, lest one tenant writes into another's."""
    query = select(Inbox.id).where(Inbox.number == number, Inbox.carrier_account_id == account.id)
    return db.session.scalar(query) is not None


def _end(event_id: int, problem: str = "") -> None:
    values: dict[str, Any] = {"next_attempt_at": None, "problem": problem, "content": {}}
    db.session.execute(update(CarrierEvent).where(CarrierEvent.id == event_id).values(**values))


def _later(event_id: int) -> None:
    event = db.session.get_one(CarrierEvent, event_id)
    event.attempts += 1
    if event.attempts >= _ATTEMPTS:
        event.next_attempt_at, event.problem = None, "It could not be read; see the log of the server."
    else:
        event.next_attempt_at = func.now() + min(_FIRST_WAIT * 2 ** min(event.attempts - 1, 8), _LONGEST_WAIT)
    db.session.commit()
