"""The process that sends: it takes what is due from the database in batches and keeps many texts under way.

The row in PostgreSQL is all that there is of a text; no queue has it. So a process that is killed and a Redis
that is flushed lose nothing: it looks twice a second, and is woken through Redis (wake()) to look at once.
Each look takes, of every inbox that has a text due and a slot free, no more than its slots of a second and
its share of the room; inboxes of one tenant take turns with those of others (due_outgoing). Any number of
these processes may run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from cadence_app.extensions import db, rq
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import holding, outcomes, pace
from cadence_app.messaging.calling import Calls, Leaving, call
from cadence_app.messaging.leaving import hold_those_free, leave, sender_free
from cadence_app.messaging.models import Message, MessageKind, MessageState
from cadence_app.tenancy import tenant_in_use, use_tenant
from cadence_app.work import due
from cadence_app.work.units import on_its_own

# In the order in which texts of an inbox go.
_KINDS = (
    MessageKind.OPT_OUT_REPLY,
    MessageKind.OPT_IN_REPLY,
    MessageKind.HELP_REPLY,
    MessageKind.AWAY_REPLY,
    MessageKind.PERSON,
)
# Carriers that are asked at once, and texts under way, those that wait for their slots among them.
_AT_ONCE, _MOST = 128, 768
# What one look takes of an inbox, so that the next tenant's turn comes soon, and of how many inboxes.
_OF_AN_INBOX = 64
_INBOXES_OF_EACH, _INBOXES = 8, 32
# An inbox is looked at again with half of its second left, so that it always has texts ahead.
_LEFT = pace.AHEAD / 2
_LOOK_SECONDS = 0.5
# After a look that found something.
_SOON = 0.02
_PAUSE_AFTER_FAILING = 5.0
WAKES = "cadence:texts"


def wake() -> None:
    """Has the senders look at once, rather than within half a second. Without Redis they look all the
    same."""
    try:
        rq.get_queue("sweeps").connection.publish(WAKES, "")
    except RedisError as error:
        current_app.logger.warning("Redis is out of reach, the senders look by themselves: %s", error)


def send_due() -> int:
    """Sends what is due and has a slot, one text after the other in this thread; commits. How many went."""
    count = 0
    while texts := take_due(_MOST):
        for text in texts:
            time.sleep(max(0.0, text.at - time.monotonic()))
            outcomes.note([call(text)])
        count += len(texts)
    return count


class Sender:
    """Keeps many texts under way. `alive` is called all the while, so that who watches sees it hang."""

    def __init__(self, alive: Callable[[], None] = lambda: None) -> None:
        self._calls = Calls(_AT_ONCE, _MOST)
        self._alive = alive
        self._look_at, self._stopping = 0.0, False

    def stop(self) -> None:
        """Takes no more; what was taken by then goes. From any thread, or a signal."""
        self._stopping = True
        self._calls.nudge()

    def look(self) -> None:
        """Looks at once. From any thread."""
        self._look_at = 0.0
        self._calls.nudge()

    def send(self) -> None:
        """Sends until it is told to stop."""
        while not self._stopping or self._calls.under_way:
            self._alive()
            try:
                self._turn()
            except Exception:
                # As while the database restarts. What is under way goes on meanwhile.
                current_app.logger.exception("the sender failed")
                db.session.rollback()
                time.sleep(_PAUSE_AFTER_FAILING)
            db.session.remove()
        self._calls.close()

    def _turn(self) -> None:
        full = self._stopping or self._calls.room <= 0
        wait = _LOOK_SECONDS if full else min(max(0.0, self._look_at - time.monotonic()), _LOOK_SECONDS)
        self._calls.write(wait, outcomes.note)
        if self._stopping or time.monotonic() < self._look_at or self._calls.room <= 0:
            return
        # Before: a wake that comes meanwhile counts.
        self._look_at = time.monotonic() + _LOOK_SECONDS
        if _take_each(_due(), self._calls.room, self._calls.give):
            self._look_at = min(self._look_at, time.monotonic() + _SOON)


def take_due(room: int) -> list[Leaving]:
    """Takes texts that are due, no more than there is room for, and commits: they are gone, each is to be
    handed over at its time."""
    taken: list[Leaving] = []
    _take_each(_due(), room, taken.extend)
    return taken


def _due() -> list[due.Due]:
    """The inboxes that have something to send, by tenant."""
    return due.find("due_outgoing", timedelta(), _INBOXES_OF_EACH, _INBOXES, {"ahead": _LEFT})


def _take_each(found: list[due.Due], room: int, give: Callable[[list[Leaving]], object]) -> int:
    """`give` gets those of each inbox as soon as they are gone. How many texts were dealt with."""
    dealt_with = 0
    for turn, (tenant_id, inbox_id) in enumerate(found):
        # At least one of each while there is room at all.
        share = min(-(-room // (len(found) - turn)), _OF_AN_INBOX)
        use_tenant(tenant_id)
        with on_its_own("texts of inbox %s of tenant %s could not be taken", inbox_id, tenant_id):
            count, texts = _take_of(inbox_id, share) if share > 0 else (0, [])
            give(texts)
            dealt_with += count
            room -= len(texts)
        db.session.rollback()
    return dealt_with


def _take_of(inbox_id: int, most: int) -> tuple[int, list[Leaving]]:
    """How many texts of an inbox were decided about, and those that are gone."""
    slots = pace.slots_of(inbox_id, pace.AHEAD)
    inbox = db.session.get(Inbox, inbox_id)
    if slots is None or inbox is None or not slots.free or not sender_free(inbox):
        return 0, []
    messages = hold_those_free(_next_of(inbox_id, min(most, slots.free)))
    leaving = leave(inbox, messages)
    leaving = [replace(text, at=at) for text, at in zip(leaving, slots.take(len(leaving)), strict=True)]
    db.session.commit()
    return len(messages), leaving


def _next_of(inbox_id: int, most: int) -> list[Message]:
    """The texts of an inbox that go next, held; those that others hold are passed over."""
    found: list[Message] = []
    for kind in _KINDS:
        if len(found) < most:
            query = (
                select(Message)
                .where(
                    Message.tenant_id == tenant_in_use(),
                    Message.inbox_id == inbox_id,
                    Message.kind == kind,
                    Message.state == MessageState.QUEUED,
                    Message.campaign_id.is_(None),
                    holding.in_turn() if kind == MessageKind.PERSON else holding.is_due(),
                )
                .options(joinedload(Message.conversation))
                .order_by(Message.id)
                .limit(most - len(found))
                .with_for_update(of=Message, skip_locked=True)
                .execution_options(populate_existing=True)
            )
            found += db.session.scalars(query)
    return found
