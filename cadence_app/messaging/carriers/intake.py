"""Taking in what a carrier posted: kept first, so that the carrier may forget it, then read. What can't be
read goes to unread.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import current_app
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError

from cadence_app.consent.keywords import Meaning
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.carriers.models import CarrierAccount, CarrierEvent
from cadence_app.messaging.carriers.of_inbox import driver_of
from cadence_app.messaging.carriers.receipts import apply
from cadence_app.messaging.carriers.scopes import reach_of
from cadence_app.messaging.inbound import CarrierSays, Received, receive_text
from cadence_app.messaging.media.service import Came
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.messaging.providers.events import Receipt, Text, Unread
from cadence_app.messaging.providers.readings import unread_text
from cadence_app.work.retrying import Retrying

# A carrier waits two seconds for the answer, or longer (docs/carriers.md); whatever is held up longer than
# this is read by the sweep.
_PATIENCE = text("SET LOCAL lock_timeout = '800ms'")
# With the longest wait between two, about two days.
_AGAIN = Retrying(timedelta(seconds=2), timedelta(minutes=5), attempts=580)
# A receipt of a text that we do not know after some minutes is not of ours.
_RECEIPT_ATTEMPTS = 8


def keep(account: CarrierAccount, events: Sequence[Text | Receipt | Unread]) -> list[int]:
    """Keeps events and commits. Returns the ids of those to read that are new; one that was kept before is
    not."""
    rows = [
        {
            "tenant_id": account.tenant_id,
            "account_id": account.id,
            "event_key": each.event_key,
            "content": each.as_json(),
        }
        for each in events
        if not isinstance(each, Unread)
    ]
    unread.keep(account, [each for each in events if isinstance(each, Unread)])
    ids: list[int] = []
    if rows:
        statement = upsert(CarrierEvent).on_conflict_do_nothing(index_elements=["account_id", "event_key"])
        ids = list(db.session.scalars(statement.returning(CarrierEvent.id), rows))
    db.session.commit()
    return ids


def take_in(event_id: int) -> Received | None:
    """Reads a kept event and commits: a text as one that came to its inbox, which it returns, or a receipt.
    What can't be read now is tried again; what can't be at all is kept with why."""
    db.session.execute(_PATIENCE)
    waiting = select(CarrierEvent).where(
        CarrierEvent.id == event_id, CarrierEvent.next_attempt_at.is_not(None)
    )
    event = db.session.scalars(waiting.with_for_update(skip_locked=True)).one_or_none()
    if event is None:
        db.session.rollback()
        return None
    account, content = db.session.get_one(CarrierAccount, event.account_id), event.content
    try:
        if "fate" in content:
            _take_receipt(event, account, Receipt.from_json(content))
            return None
        return _take_text(event, account, Text.from_json(content))
    except OperationalError:
        # Somebody else holds the contact; nothing of it was written.
        db.session.rollback()
    except Exception:
        db.session.rollback()
        current_app.logger.exception("carrier event %s could not be read", event_id)
    _later(event_id)
    return None


def _take_text(event: CarrierEvent, account: CarrierAccount, came: Text) -> Received | None:
    # Of the tenant's inboxes only, as row-level security has it, lest one tenant writes into another's. One
    # that is set up with another account gets it all the same: it may be a STOP.
    inbox = db.session.scalars(select(Inbox).where(Inbox.number == came.to_number)).one_or_none()
    if inbox is None:
        problem = f"No inbox has the number {came.to_number}."
        current_app.logger.warning("carrier event %s: %s", event.id, problem)
        event_id = event.id
        db.session.rollback()
        _later(event_id, problem)
        return None
    _end(event)
    return receive_text(
        came.to_number,
        came.from_number,
        came.body,
        came.carrier_message_id,
        came.received_at,
        carrier=CarrierSays(_acted_on(account, came), _lifts(account, came), reach_of(inbox)),
        media=[Came(each.url, each.content_type, each.size, each.sha256, account.id) for each in came.media],
    )


def _take_receipt(event: CarrierEvent, account: CarrierAccount, receipt: Receipt) -> None:
    if apply(account, receipt) or event.attempts >= _RECEIPT_ATTEMPTS:
        _end(event)
        db.session.commit()
    else:
        # It may have come before the answer that names the text's id.
        db.session.rollback()
        _later(event.id)


def _lifts(account: CarrierAccount, came: Text) -> bool:
    """Whether the carrier lifts its own block for a text, or may have, whoever answers it."""
    return came.answered == Meaning.IN or driver_of(account).may_lift_by(came.body)


def _acted_on(account: CarrierAccount, came: Text) -> Meaning | None:
    """What the carrier took a text for and acted on by itself: as it said, or by its usual words, bare. At a
    number whose opt outs it leaves to us it acts on nothing."""
    if came.to_number in account.self_managed:
        return None
    if account.keyword_answers == KeywordAnswers.BUILT_IN:
        return came.answered or driver_of(account).takes_for(came.body)
    return came.answered if account.keyword_answers == KeywordAnswers.TOLD else None


def _end(event: CarrierEvent) -> None:
    event.next_attempt_at, event.problem, event.content = None, "", {}


def _later(event_id: int, problem: str = "") -> None:
    """Tries an event again later, for two days. A text that is given up goes to an admin, for it may be a
    STOP."""
    event = db.session.get_one(CarrierEvent, event_id)
    event.attempts += 1
    event.problem = problem or "It could not be read; see the log of the server."
    if not _AGAIN.over(event.attempts):
        event.next_attempt_at = func.now() + _AGAIN.wait(event.attempts)
    else:
        if "fate" not in event.content:
            account = db.session.get_one(CarrierAccount, event.account_id)
            unread.keep(account, [unread_text(Text.from_json(event.content), event.problem)])
        _end(event)
    db.session.commit()
