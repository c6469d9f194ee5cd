"""The times in which no text could come in, and what waits for them to be made up.

The web server takes texts in, so it says every few seconds that it is there (gunicorn.conf.py); PostgreSQL
keeps when it last did. It is silent for longer: a gap, which the next beat notes in the same transaction, so
that nobody sees the server back and the gap not yet. A STOP sent in a gap is somewhere at the carrier. Until
it has been read back (read_back.py) no campaign and no scheduled text goes out from the account's inboxes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import Select, func, insert, select, update

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.models import CarrierAccount, InboundBeat, InboundGap
from cadence_app.messaging.carriers.of_inbox import driver_of

_BEAT_SECONDS = 3
# A beat that is late by less is a busy machine.
_SILENCE = timedelta(seconds=10)
# The web server is taken for gone after this long, while workers go on.
_GONE_AFTER = timedelta(seconds=60)
# A carrier that lists no words posts again what was not answered, and for so long that is waited for.
_REPOSTED_WITHIN = timedelta(minutes=15)
# A shorter gap is less than they wait before they post again.
_UNCERTAIN_FROM = timedelta(seconds=60)

_GONE = "Waiting: the server that takes texts in does not answer, so a STOP may be on its way."
_READING = (
    "Waiting: texts that came while Cadence was down are read from the carrier first; one may be a STOP."
)
_REPOSTING = (
    "Waiting a quarter of an hour for the carrier to post again what it could not while Cadence was down."
)


@dataclass(frozen=True)
class Held:
    """Why nothing may go to many from an inbox just now, in words, and its account."""

    why: str
    account_id: int


def beat() -> None:
    """Says that texts can come in, notes the gap before if there was one, and commits."""
    beat_at = db.session.scalars(select(InboundBeat.beat_at).with_for_update()).one()
    now = _now()
    if now - beat_at > _SILENCE:
        db.session.execute(insert(InboundGap).values(began_at=beat_at, ended_at=now))
    # A clock that was set back must not make the next silence look shorter.
    db.session.execute(update(InboundBeat).values(beat_at=now))
    db.session.commit()


def keep_beating(app: Flask, wait: Callable[[float], object] = time.sleep) -> threading.Thread:
    """Beats from a thread of this process for as long as it lives. A database out of reach is a gap, for no
    text can be kept either."""

    def run() -> None:
        while True:
            with app.app_context():
                try:
                    beat()
                except Exception:
                    app.logger.warning("the database does not note that texts can come in", exc_info=True)
            wait(_BEAT_SECONDS)

    thread = threading.Thread(target=run, name="beat", daemon=True)
    thread.start()
    return thread


def held_back(inbox: Inbox) -> Held | None:
    """Why campaigns and scheduled texts must wait at this inbox, if they must. One of the phone simulator has
    no carrier that could have a text for us."""
    if inbox.carrier_account_id is None:
        return None
    account = db.session.get_one(CarrierAccount, inbox.carrier_account_id, populate_existing=True)
    why = why_held(account)
    return Held(why, account.id) if why else None


def why_held(account: CarrierAccount) -> str:
    """Why many may not be texted through an account just now, in words; empty where they may."""
    now, beat_at = _now(), db.session.scalars(select(InboundBeat.beat_at)).one()
    if now - beat_at > _GONE_AFTER and account.settled_to <= beat_at:
        return _GONE
    gap = last_gap(account)
    if gap is None:
        return ""
    if can_list(account):
        return _READING
    return _REPOSTING if gap.ended_at > now - _REPOSTED_WITHIN else ""


def can_list(account: CarrierAccount) -> bool:
    """Whether the carrier's API lists the texts that came, with their words."""
    return driver_of(account).listing is not None


def list_lag(account: CarrierAccount) -> timedelta:
    """How long after a text the carrier's list is sure to have it; sends are held for as long."""
    listing = driver_of(account).listing
    return listing.lag if listing else timedelta(0)


def last_gap(account: CarrierAccount) -> InboundGap | None:
    """The latest gap that is not made up for an account."""
    return db.session.scalars(_open(account).order_by(InboundGap.ended_at.desc()).limit(1)).one_or_none()


def open_gaps(account: CarrierAccount, limit: int = 20) -> list[InboundGap]:
    """The gaps that are not made up for an account, newest first."""
    return list(db.session.scalars(_open(account).order_by(InboundGap.ended_at.desc()).limit(limit)))


@dataclass(frozen=True)
class Standing:
    """Whether every text has come in through an account: why many must wait, if they must, and the gaps that
    are not made up, newest first. Where the carrier lists texts, `read_to` is up to when they were read back
    and `problem` why the last try failed."""

    why_held: str
    gaps: list[InboundGap]
    lists: bool
    read_to: datetime
    problem: str


def standing(account: CarrierAccount) -> Standing:
    return Standing(
        why_held(account), open_gaps(account), can_list(account), account.read_to, account.read_problem
    )


def settle_read(account: CarrierAccount, read_at: datetime) -> None:
    """Nothing waits any more for the gaps that a reading, begun then, has made up. The caller commits."""
    beat_at = db.session.scalars(select(InboundBeat.beat_at)).one()
    # While the web server is gone no reading is the last word.
    settle(account, min(read_at - list_lag(account), beat_at))


def settle(account: CarrierAccount, up_to: datetime) -> None:
    """Nothing waits any more for gaps that ended by then. The caller commits."""
    db.session.execute(
        update(CarrierAccount)
        .where(CarrierAccount.id == account.id)
        .values(settled_to=func.greatest(CarrierAccount.settled_to, up_to))
    )


def release(admin: User, account: CarrierAccount) -> None:
    """An admin's decision that nothing is to wait for what may not have come in, and commits."""
    gaps = len(open_gaps(account))
    settle(account, _now())
    audit.record(admin, "carrier_account.gaps_released", account.name, gaps=(gaps, 0))
    db.session.commit()


def _open(account: CarrierAccount) -> Select[InboundGap]:
    query = select(InboundGap).where(InboundGap.ended_at > account.settled_to)
    if not can_list(account):
        query = query.where(InboundGap.ended_at - InboundGap.began_at >= _UNCERTAIN_FROM)
    return query


def _now() -> datetime:
    now: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    return now
