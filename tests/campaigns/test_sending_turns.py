"""How the texts of a campaign take their turn: left behind, held up by the carrier, and kept apart."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.exc import DataError

from cadence_app.campaigns import claiming, sending
from cadence_app.campaigns.claiming import claim
from cadence_app.campaigns.models import Campaign
from cadence_app.extensions import db, rq
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.jobs import sweep_lost_texts
from cadence_app.messaging.merge_fields import tenant_fields
from cadence_app.messaging.models import Message
from cadence_app.messaging.providers.base import CannotTell, Driver, NotTaken, Outgoing, Sent
from cadence_app.messaging.quiet_hours import hours_of
from cadence_app.messaging.sender import send_due
from cadence_app.work.leases import held
from tests.campaigns.sending import (
    act,
    add_campaign,
    add_people,
    always_open,
    counts,
    send,
    start,
    state_of,
    texts_of,
    work,
)
from tests.world import World


def leave_behind(world: World, campaign_id: int) -> int:
    """A text that was claimed by a worker which died before it could say what became of it."""
    start(world, campaign_id)
    with world.session():
        campaign = db.session.get_one(Campaign, campaign_id)
        hours = hours_of(campaign.user.tenant)
        claimed = claim(campaign_id, hours, tenant_fields(), 1)
        assert claimed
        return claimed[0].message_id


class Remembering:
    """A provider that says of each text it is asked for what `fate` says."""

    def __init__(self, fate: object) -> None:
        self.fate, self.sent = fate, 0

    def send(self, text: Outgoing) -> Sent:
        self.sent += 1
        return Sent(f"sent-{text.key}", datetime.now(UTC))

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        if isinstance(self.fate, Exception):
            raise self.fate
        return self.fate  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("fate", "cancelled", "becomes", "sends"),
    [
        (Sent("it-went", datetime(2026, 11, 25, tzinfo=UTC)), False, "delivered", 0),
        (None, False, "delivered", 1),
        (OSError("no answer"), False, "sending", 0),
        (None, True, "suppressed", 0),
        (Sent("it-went-too", datetime(2026, 11, 25, tzinfo=UTC)), True, "delivered", 0),
    ],
)
def test_a_text_that_was_left_behind_is_asked_for_before_it_goes_again(
    world: World, fate: object, cancelled: bool, becomes: str, sends: int
) -> None:
    always_open(world)
    provider = Remembering(fate)
    providers.register(Driver(code="remembering", name="Remembering", client=lambda _: provider))
    with world.session():
        db.session.execute(update(Inbox).values(provider="remembering"))
        db.session.commit()
    add_people(world, 1)
    campaign_id = add_campaign(world)
    leave_behind(world, campaign_id)
    if cancelled:
        act(world, "cancel", campaign_id)
    work(world, campaign_id)
    assert counts(world, campaign_id) == {becomes: 1}
    assert provider.sent == sends


class Busy:
    """A provider that takes nothing for now, until `free`."""

    def __init__(self) -> None:
        self.free, self.asked, self.sent = False, 0, 0

    def send(self, text: Outgoing) -> Sent:
        self.asked += 1
        if not self.free:
            raise NotTaken("busy")
        self.sent += 1
        return Sent(f"sent-{text.key}", datetime.now(UTC))

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        raise CannotTell


@pytest.mark.parametrize(
    ("then", "becomes", "sends"), [("cancel", "suppressed", 0), ("resume", "delivered", 3)]
)
def test_a_busy_carrier_is_left_alone_and_what_waits_for_it_goes_only_if_the_campaign_does(
    world: World, then: str, becomes: str, sends: int
) -> None:
    always_open(world)
    carrier = Busy()
    providers.register(Driver(code="busy", name="Busy", client=lambda _: carrier))
    with world.session():
        db.session.execute(update(Inbox).values(provider="busy"))
        db.session.commit()
    add_people(world, 3)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    work(world, campaign_id)
    asked = carrier.asked
    assert 1 <= asked <= 3
    work(world, campaign_id)
    assert carrier.asked == asked
    act(world, "pause", campaign_id)
    carrier.free = True
    with world.session():
        db.session.execute(
            update(Message).values(next_attempt_at=None, created_at=func.now() - timedelta(hours=1))
        )
        db.session.execute(update(Inbox).values(next_text_at=None))
        db.session.commit()
    with world.app.app_context():
        sweep_lost_texts()
        send_due()
    work(world, campaign_id)
    assert carrier.sent == 0
    act(world, then, campaign_id)
    work(world, campaign_id)
    assert carrier.sent == sends
    told = counts(world, campaign_id)
    assert told.pop(becomes) == sends or not sends
    assert not told or told == {"cancelled": told["cancelled"]}
    assert state_of(world, campaign_id) == ("cancelled" if then == "cancel" else "finished")


def test_a_long_one_gives_way_after_a_slice_and_queues_its_next_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    always_open(world)
    add_people(world, 3)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    monkeypatch.setattr(sending, "_SLICE_SECONDS", 0)
    monkeypatch.setattr(claiming, "_OF_ONE_LOOK", 1)
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1, "waiting": 2}
    with world.app.app_context():
        rq.make_worker(["campaigns"]).work(burst=True)
    assert counts(world, campaign_id) == {"delivered": 3}


def test_two_workers_at_once_text_nobody_twice(world: World) -> None:
    always_open(world)
    add_people(world, 2)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    with world.session(), held(f"campaign {campaign_id}") as mine:
        assert mine
        work(world, campaign_id)
        assert counts(world, campaign_id) == {"waiting": 2}
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 2}


def test_texts_of_an_inbox_keep_their_distance_whichever_campaign_they_are_of(world: World) -> None:
    always_open(world)
    add_people(world, 2)
    first, second = add_campaign(world), add_campaign(world)
    with world.session():
        db.session.execute(update(Inbox).values(texts_per_second=20, next_text_at=None))
        db.session.commit()
    for campaign_id in (first, second):
        send(world, campaign_id)
    sent = sorted(message.created_at for each in (first, second) for message in texts_of(world, each))
    # From the database's own clock: a turn is never shorter, however slow the machine.
    assert sent[-1] - sent[0] >= 3 * timedelta(milliseconds=45)


def given(world: World, provider: object, people: int) -> int:
    """A campaign to so many, carried by this provider."""
    always_open(world)
    providers.register(Driver(code="given", name="Given", client=lambda _: provider))  # type: ignore[arg-type, return-value]
    with world.session():
        db.session.execute(update(Inbox).values(provider="given"))
        db.session.commit()
    add_people(world, people)
    return add_campaign(world)


def test_a_pause_while_texts_go_that_had_waited_for_the_carrier_stops_the_rest_of_them(world: World) -> None:
    class PausedMeanwhile(Busy):
        def send(self, text: Outgoing) -> Sent:
            if self.free and not self.sent:
                act(world, "pause", campaign_id)
            return super().send(text)

    carrier = PausedMeanwhile()
    campaign_id = given(world, carrier, 3)
    send(world, campaign_id)
    assert {text.state for text in texts_of(world, campaign_id)} == {"queued"}
    carrier.free = True
    with world.session():
        db.session.execute(update(Message).values(next_attempt_at=None))
        db.session.execute(update(Inbox).values(next_text_at=None))
        db.session.commit()
    work(world, campaign_id)
    assert carrier.sent == 1
    assert sorted(text.state for text in texts_of(world, campaign_id)) == ["delivered", "queued", "queued"]


def test_a_cancel_while_a_carrier_is_asked_about_a_text_keeps_it_from_going_again(world: World) -> None:
    class CancelledMeanwhile(Remembering):
        def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
            if not cancelled:
                cancelled.append(text.key)
                act(world, "cancel", campaign_id)
            return None

    cancelled: list[str] = []
    carrier = CancelledMeanwhile(None)
    campaign_id = given(world, carrier, 1)
    leave_behind(world, campaign_id)
    work(world, campaign_id)
    assert carrier.sent == 0
    work(world, campaign_id)
    assert carrier.sent == 0
    assert counts(world, campaign_id) == {"suppressed": 1}


def test_what_came_of_the_texts_under_way_is_written_whatever_ends_the_slice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that failed leaves the transaction of no use, as a lost connection does."""
    broken = threading.Event()

    class Slow(Remembering):
        def send(self, text: Outgoing) -> Sent:
            assert broken.wait(60)
            return super().send(text)

    def breaks(*args: Any) -> Any:
        if taken:
            broken.set()
            db.session.execute(text("SELECT 1 / 0"))
        taken.append(claim(*args))
        return taken[0]

    taken: list[object] = []
    campaign_id = given(world, Slow(None), 3)
    start(world, campaign_id)
    monkeypatch.setattr(sending, "claim", breaks)
    with pytest.raises(DataError):
        work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 3}
