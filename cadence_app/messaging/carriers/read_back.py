"""Texts that a carrier has and did not bring, because Cadence was down or a post went astray: read back from
each carrier whose API lists them, every hour and after a gap (gaps.py)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import exists, func, select

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.carriers import gaps, intake
from cadence_app.messaging.carriers.models import CarrierAccount, CarrierEvent, UnreadPost
from cadence_app.messaging.carriers.of_inbox import driver_of
from cadence_app.messaging.inbound import Received
from cadence_app.work.leases import held

_HOURLY = timedelta(hours=1)
WHILE_HELD = timedelta(seconds=30)
# Read once more from before the last reading: a list may have had a text late.
_OVERLAP = timedelta(hours=1)
# One that has failed so often holds nothing up; it is tried on, and shown once it is given up.
_TRIES_WAITED_FOR = 5


def carriers_that_list() -> list[str]:
    """The codes of those whose texts can be read back."""
    return [each.code for each in providers.carriers() if each.listing]


def claim_due() -> list[int]:
    """The ids of the tenant's accounts that are to be read back now, each marked as tried. Commits."""
    query = select(CarrierAccount).where(
        CarrierAccount.carrier.in_(carriers_that_list()),
        exists().where(Inbox.carrier_account_id == CarrierAccount.id),
        # Most sweeps find nobody due: no row is locked then.
        func.coalesce(CarrierAccount.read_tried_at, CarrierAccount.created_at - _HOURLY)
        < func.now() - WHILE_HELD,
    )
    locked = query.order_by(CarrierAccount.id).with_for_update(skip_locked=True)
    now, claimed = _now(), []
    for account in db.session.scalars(locked.execution_options(populate_existing=True)).all():
        tried = account.read_tried_at
        if tried is None or tried < now - _HOURLY or gaps.last_gap(account):
            account.read_tried_at = now
            claimed.append(account.id)
    db.session.commit()
    return claimed


def read_back(account_id: int) -> list[Received]:
    """Takes in what the carrier lists and is not here, each text once, with the carrier's time, and commits.
    Returns where the texts went.

    What could not be taken in at once is left to the sweep, and the account's gaps stay open until it was.
    """
    with held(f"read back {account_id}") as mine:
        account = db.session.get(CarrierAccount, account_id)
        listing = driver_of(account).listing if mine and account else None
        if account is None or listing is None:
            return []
        started = _now()
        numbers = sorted(
            db.session.scalars(select(Inbox.number).where(Inbox.carrier_account_id == account_id))
        )
        since = max(account.read_to - _OVERLAP, account.created_at)
        try:
            came = listing.came(account, numbers, since, lambda ids: _known(account_id, ids))
        except Exception as error:
            db.session.rollback()
            current_app.logger.exception("the texts of carrier account %s could not be read back", account_id)
            account = db.session.get_one(CarrierAccount, account_id)
            account.read_problem = f"The carrier did not list them ({type(error).__name__})."
            db.session.commit()
            return []
        taken = [
            received for event_id in intake.keep(account, came) if (received := intake.take_in(event_id))
        ]
        account = db.session.get_one(CarrierAccount, account_id)
        account.read_problem = ""
        if not _waiting(account_id, numbers):
            account.read_to = started
            gaps.settle_read(account, started)
        db.session.commit()
        return taken


def _known(account_id: int, ids: Collection[str]) -> set[str]:
    """Which of these texts, by the carrier's ids, have been kept for the account."""
    keys = [f"text {each}" for each in ids]
    found: set[str] = set()
    for table in (CarrierEvent, UnreadPost):
        query = select(table.event_key).where(table.account_id == account_id, table.event_key.in_(keys))
        found.update(key.removeprefix("text ") for key in db.session.scalars(query))
    return found


def _waiting(account_id: int, numbers: Collection[str]) -> bool:
    """Whether a text to one of these numbers is kept and not taken in yet."""
    query = select(CarrierEvent.id).where(
        CarrierEvent.account_id == account_id,
        CarrierEvent.next_attempt_at.is_not(None),
        CarrierEvent.attempts < _TRIES_WAITED_FOR,
        CarrierEvent.content["to_number"].astext.in_(numbers),
    )
    return db.session.scalar(query.limit(1)) is not None


def _now() -> datetime:
    now: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    return now
