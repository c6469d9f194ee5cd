"""Undo, the worker, the next text and a STOP, at the same moment and in any order: the carrier's own count of
what it was given says who won."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers, undo
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import Conversation, Message, MessageState
from cadence_app.messaging.sending import deliver
from tests import sizes
from tests.campaigns.carrier import NAME, CountingCarrier, counting_carrier, driver_at
from tests.messaging.undoing import give_undo, goes, let_pass, press
from tests.records.people import erase
from tests.world import World, new_number

EACH = sizes.size(15, 100)
_STEP_SECONDS = 0.002


@pytest.fixture
def carrier(world: World) -> Iterator[CountingCarrier]:
    with counting_carrier() as counting:
        providers.register(driver_at(counting.url))
        with world.session():
            db.session.execute(update(Inbox).values(provider=NAME))
            db.session.commit()
        give_undo(world)
        yield counting


def takes_back(world: World, talk: int, text: int) -> bool:
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        try:
            undo.take_back(user, db.session.get_one(Conversation, talk), text)
        except undo.TooLate:
            return False
        return True


def taken(world: World, talk: int, text: int) -> bool:
    return goes(world, text)


def late(act: Callable[[World, int, int], bool], pause: float, world: World, talk: int, text: int) -> bool:
    time.sleep(max(0.0, pause))
    return act(world, talk, text)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Their answers, in their order; all begin together."""
    start = threading.Barrier(len(works), timeout=60)
    answers: dict[int, object] = {}

    def run(index: int, work: Callable[[], object]) -> None:
        start.wait()
        answers[index] = work()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [answers[index] for index in range(len(works))]


def test_of_undo_and_the_worker_exactly_one_wins(world: World, carrier: CountingCarrier) -> None:
    """Two tabs press Undo while two workers take the text; whoever was first last time begins later."""
    won = []
    ahead = 0.0
    for _ in range(EACH):
        number = new_number()
        talk = world.text(number, "hi").conversation_id
        text = press(world, talk, "Until five")
        let_pass(world, 5, text)

        acts = ((takes_back, -ahead), (takes_back, -ahead), (taken, ahead), (taken, ahead))
        answers = at_once(*(partial(late, act, pause, world, talk, text) for act, pause in acts))
        back, went = answers[:2].count(True), answers[2:].count(True)
        assert back + went == 1
        assert len(carrier.texts[number]) == went
        left = [each for each in world.messages(talk) if each.id == text]
        assert len(left) == went
        assert not left or left[0].state in ("sent", "delivered")
        ahead += _STEP_SECONDS if went else -_STEP_SECONDS
        won.append(bool(went))
    assert set(won) == {True, False}, "they never met"


def test_two_held_texts_go_in_their_order_whoever_takes_them(world: World, carrier: CountingCarrier) -> None:
    for _ in range(EACH):
        talk = world.text(new_number(), "hi").conversation_id
        first, second = press(world, talk, "one"), press(world, talk, "two")
        let_pass(world, 5, first, second)

        def until_gone(text: int) -> bool:
            while not goes(world, text):
                time.sleep(0.001)
            return True

        at_once(partial(until_gone, second), partial(until_gone, first))
        sent = {each.id: each for each in world.messages(talk)}
        assert sent[first].state in ("sent", "delivered")
        handed = [sent[text].sending_since for text in (first, second)]
        assert handed == sorted(filter(None, handed))


_ACTS = st.sampled_from(["press", "undo", "pass", "work", "work_last", "stop", "start", "now", "erase"])


@settings(
    max_examples=sizes.size(25, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(_ACTS, min_size=2, max_size=14))
def test_whatever_happens_in_whatever_order_nothing_that_was_taken_back_goes_and_nothing_after_a_stop(
    world: World, carrier: CountingCarrier, acts: list[str]
) -> None:
    number = new_number()
    talk = world.text(number, "hi").conversation_id
    contact_id = world.contact_id(number)
    pressed: list[int] = []
    undone: set[int] = set()
    went: list[int] = []
    stopped = erased = False

    def work(text: int) -> None:
        before = len(carrier.texts[number])
        with world.session():
            deliver(text)
        given = len(carrier.texts[number]) - before
        assert given in (0, 1)
        if given:
            assert not stopped
            assert not erased
            assert text not in undone
            assert not went or went[-1] < text
            assert all(state_of(world, each) != MessageState.QUEUED for each in pressed if each < text)
            went.append(text)

    for act in acts:
        if erased:
            break
        if act == "press" and not stopped:
            pressed.append(press(world, talk, f"text {len(pressed)}"))
        elif act == "undo" and pressed and takes_back(world, talk, pressed[-1]):
            assert pressed[-1] not in went
            undone.add(pressed[-1])
        elif act == "pass":
            let_pass(world, 6, *pressed)
        elif act == "now" and pressed:
            with world.session():
                user = db.session.get_one(User, world.agent_id)
                try:
                    undo.send_now(user, db.session.get_one(Conversation, talk), pressed[-1])
                except undo.TooLate:
                    assert state_of(world, pressed[-1]) != MessageState.QUEUED
        elif act in ("stop", "start"):
            with world.app.app_context():
                receive_text(world.shared, number, act.upper(), str(uuid.uuid4()), datetime.now(UTC))
            stopped = act == "stop"
        elif act == "erase":
            erase(world, contact_id)
            erased = True
        elif act in ("work", "work_last") and pressed:
            work(pressed[0] if act == "work" else pressed[-1])
    let_pass(world, 20, *pressed)
    for text in pressed:
        work(text)
    assert {state_of(world, text) for text in undone} <= {None}
    assert all(state_of(world, text) != MessageState.QUEUED for text in pressed)
    assert len(went) == len(set(went))


def state_of(world: World, text: int) -> MessageState | None:
    with world.session():
        return db.session.scalars(select(Message.state).where(Message.id == text)).one_or_none()
