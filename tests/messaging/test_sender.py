"""The sender: many texts under way, a STOP among them, kills, a flushed Redis, other tenants and a busy
carrier."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from cadence_app.consent.models import OptOutChange, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import outcomes, pace, providers, sender
from cadence_app.messaging.calling import NotTried, Outcome, call
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.jobs import sweep_lost_texts
from cadence_app.messaging.models import Message, MessageKind
from cadence_app.messaging.providers.base import Driver, NotTaken, Outgoing, Sent
from cadence_app.tenancy import use_tenant
from tests import sizes
from tests.campaigns.carrier import NAME, CountingCarrier, counting_carrier, driver_at
from tests.campaigns.sending import add_people
from tests.messaging.under_way import carried_by, queue, sending, states, take_and_send, texts_of, until
from tests.world import World, make_world


@pytest.fixture
def carrier(world: World) -> Iterator[CountingCarrier]:
    with counting_carrier(delay=0.02) as counting:
        providers.register(driver_at(counting.url))
        carried_by(world, NAME, 500)
        yield counting


@pytest.mark.sized
def test_a_stop_comes_before_a_text_or_after_it_with_many_under_way(
    world: World, carrier: CountingCarrier
) -> None:
    """By the database's own order: whose STOP stood when the text was decided about was not texted."""
    people, stops = sizes.size((120, 40), (1000, 500))
    contact_ids = add_people(world, people)
    texts = queue(world, contact_ids)
    with world.session():
        numbers = dict(db.session.execute(select(Contact.id, Contact.number)).tuples().all())
    with sending(world, 2):
        for contact_id in contact_ids[:: people // stops]:
            with world.app.app_context():
                receive_text(world.shared, numbers[contact_id], "STOP", str(uuid.uuid4()), datetime.now(UTC))
        until(lambda: states(world, texts) <= {"delivered", "suppressed"})
    with world.session():
        stopped = {
            each.contact_id: each
            for each in db.session.scalars(
                select(OptOutChange).where(OptOutChange.status == Status.OPTED_OUT)
            )
        }
    for contact_id, text in zip(contact_ids, texts_of(world, texts), strict=True):
        given = carrier.texts.get(numbers[contact_id], []).count("Hello")
        stop = stopped.get(contact_id)
        assert text.decided_at
        if text.state == "delivered":
            assert given == 1
            assert stop is None or text.decided_at < stop.changed_at
            assert text.decided_standing == "opted_in"
        else:
            assert given == 0
            assert stop
            assert stop.changed_at < text.decided_at
            assert (text.decided_standing, text.decided_change_id) == ("opted_out", stop.id)
    assert len(stopped) == stops


def test_nothing_is_lost_or_doubled_by_a_sender_that_dies_before_or_after_its_carrier_heard(
    world: World, carrier: CountingCarrier
) -> None:
    """Of a batch that was committed one half reached the carrier; nobody wrote what came of either."""
    contact_ids = add_people(world, 6)
    texts = queue(world, contact_ids)
    with world.app.app_context():
        taken = [text for text in sender.take_due(1000) if text.tenant_id == world.tenant_id]
        for text in taken[::2]:
            call(text)
    assert len(taken) == 6
    assert take_and_send(world) == 0
    assert states(world, texts) == {"sending"}
    with world.session():
        ago = datetime.now(UTC) - timedelta(minutes=1)
        db.session.execute(update(Message).where(Message.id.in_(texts)).values(sending_since=ago))
        db.session.commit()
    with world.app.app_context():
        sweep_lost_texts()
        sweep_lost_texts()
    assert states(world, texts) == {"delivered"}
    assert [len(carrier.texts[text.outgoing.to_number]) for text in taken] == [1] * 6
    # The dead one wakes up: too late for what it had not handed over.
    with world.app.app_context():
        outcomes.note([Outcome(text, NotTried(0.0)) for text in taken])
    assert states(world, texts) == {"delivered"}


def test_the_sender_needs_no_redis(world: World, carrier: CountingCarrier) -> None:
    texts = queue(world, add_people(world, 3))
    with sending(world):
        until(lambda: states(world, texts) == {"delivered"})


def test_a_carrier_that_hangs_holds_no_lock_and_no_other_inbox(world: World) -> None:
    go, begun = threading.Event(), threading.Event()

    class Hanging:
        def send(self, text: Outgoing) -> Sent:
            begun.set()
            assert go.wait(60)
            return Sent(f"sent-{text.key}", datetime.now(UTC))

        def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
            raise AssertionError

    providers.register(Driver(code="hanging", name="Hanging", client=lambda _: Hanging()))
    other = make_world(world.app, "teams")
    carried_by(world, "hanging")
    carried_by(other, "simulator")
    contact_id = add_people(world, 1)[0]
    texts = queue(world, [contact_id])
    with sending(world):
        assert begun.wait(60)
        with world.session():
            number = db.session.get_one(Contact, contact_id).number
        # It would wait for a lock, and the test with it.
        with world.app.app_context():
            receive_text(world.shared, number, "STOP", str(uuid.uuid4()), datetime.now(UTC))
        theirs = queue(other, add_people(other, 2))
        until(lambda: states(other, theirs) == {"delivered"})
        assert states(world, texts) == {"sending"}
        go.set()
        until(lambda: states(world, texts) == {"delivered"})


def test_another_tenants_confirmation_goes_with_the_first_look_although_thousands_wait(world: World) -> None:
    other = make_world(world.app, "teams")
    carried_by(world, "simulator")
    carried_by(other, "simulator")
    waiting = queue(world, add_people(world, 300))
    received = other.text("+12025550147", "hi")
    with other.app.app_context():
        stop = receive_text(other.shared, "+12025550147", "STOP", str(uuid.uuid4()), datetime.now(UTC))
    assert received.conversation_id == stop.conversation_id
    assert stop.reply_id
    assert 1 <= take_and_send(world, room=40) < 40
    assert states(other, [stop.reply_id]) == {"delivered"}
    assert "queued" in states(world, waiting)


def test_every_kind_of_text_is_sent() -> None:
    assert set(sender._KINDS) == set(MessageKind)


def test_in_an_inbox_confirmations_go_first_then_answers_then_what_people_wrote(world: World) -> None:
    carried_by(world, "simulator", 2)
    contact_ids = add_people(world, 4)
    by_hand = queue(world, contact_ids[:2])
    answer = queue(world, contact_ids[2:3], MessageKind.HELP_REPLY)
    confirmation = queue(world, contact_ids[3:], MessageKind.OPT_OUT_REPLY)
    with world.session():
        db.session.execute(update(Inbox).values(next_text_at=func.clock_timestamp() + timedelta(seconds=0.9)))
        db.session.commit()
    with world.app.app_context():
        # There is one slot within the second. (A confirmation of what is no opt out does not go.)
        use_tenant(world.tenant_id)
        assert sender._take_of(_inbox_id(world), 1) == (1, [])
        db.session.rollback()
    assert states(world, confirmation) == {"suppressed"}
    assert states(world, answer + by_hand) == {"queued"}


def _inbox_id(world: World) -> int:
    with world.session():
        return db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one()


def test_slots_keep_the_pace_and_those_that_nobody_uses_are_forfeited(world: World) -> None:
    carried_by(world, "simulator", 10)
    inbox_id = _inbox_id(world)
    with world.session():
        begun = time.monotonic()
        slots = pace.slots_of(inbox_id, pace.AHEAD)
        assert slots
        assert slots.free == 11
        at = slots.take(4)
        db.session.commit()
        assert [round(later - earlier, 6) for earlier, later in itertools.pairwise(at)] == [0.1] * 3
        assert at[0] - begun < 0.4
        following = pace.slots_of(inbox_id, pace.AHEAD)
        assert following
        assert following.free <= 11
        assert abs((following.begins - slots.begins).total_seconds() - 0.4) < 0.2
        db.session.rollback()
        hour_ago = func.clock_timestamp() - timedelta(hours=1)
        db.session.execute(update(Inbox).where(Inbox.id == inbox_id).values(next_text_at=hour_ago))
        again = pace.slots_of(inbox_id, pace.AHEAD)
        assert again
        assert again.free == 11


def test_a_carrier_that_is_busy_holds_its_inbox_up_for_as_long_as_it_asks(world: World) -> None:
    asked: list[str] = []

    class Busy:
        def send(self, text: Outgoing) -> Sent:
            asked.append(text.to_number)
            raise NotTaken("busy", 30)

        def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
            raise AssertionError

    providers.register(Driver(code="busy", name="Busy", client=lambda _: Busy()))
    carried_by(world, "busy", 20)
    texts = queue(world, add_people(world, 10))
    with sending(world):
        until(lambda: len(asked) > 0)
        until(lambda: states(world, texts) == {"queued"})
        time.sleep(0.3)
    # Those whose slot came later were not tried, and count as such.
    tried = [text for text in texts_of(world, texts) if text.attempts]
    assert len(tried) == len(asked) < len(texts)
    with world.session():
        assert db.session.scalars(
            select(Inbox.next_text_at > func.clock_timestamp() + timedelta(seconds=20)).where(
                Inbox.number == world.shared
            )
        ).one()
    assert take_and_send(world) == 0
