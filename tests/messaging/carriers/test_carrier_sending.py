"""Texts that go out through a carrier's API: once, with what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from cadence_app.extensions import db
from cadence_app.messaging.carriers.jobs import sweep_carrier_events
from cadence_app.messaging.carriers.models import CarrierEvent
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.trying_again import LOST_SIGHT
from tests.messaging.carriers.api import LOST, Api, carrier_api, reach_carriers_at
from tests.messaging.carriers.ends import CODES
from tests.messaging.carriers.posting import Line
from tests.messaging.carriers.talking import Talk
from tests.world import World


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    with carrier_api(world.app) as api:
        yield api


@pytest.fixture(params=CODES)
def line(request: pytest.FixtureRequest, world: World, api: Api) -> Line:
    return Line(world, request.param).open()


def test_a_text_goes_to_the_carrier_and_its_receipts_say_what_became_of_it(line: Line, api: Api) -> None:
    talk = Talk(line)
    message = talk.send()
    assert (message.state, message.attempts) == (MessageState.SENT, 1)
    ((sender, to, body, key, sent_id),) = api.taken
    assert (sender, to, body) == (line.world.shared, talk.number, "Hello back")
    assert (key, sent_id) == (message.send_key, message.provider_message_id)
    for fate, state in (("sent", "sent"), ("delivered", "delivered"), ("sent", "delivered")):
        talk.receipt(message, fate)
        assert talk.state(message.id).state == state


def test_a_text_that_fails_later_says_why_in_words(line: Line, api: Api) -> None:
    talk = Talk(line)
    message = talk.send()
    code, said = line.end.failure
    talk.receipt(message, "failed", code)
    failed = talk.state(message.id)
    assert failed.state == MessageState.FAILED
    assert (failed.failure_code, said in failed.detail) == (code, True)
    talk.receipt(message, "delivered")
    assert talk.state(message.id).state == MessageState.FAILED


@pytest.mark.parametrize("answer", [429, 503])
def test_a_busy_carrier_is_asked_again_later_and_the_text_goes_once(
    line: Line, api: Api, answer: int
) -> None:
    talk = Talk(line)
    api.plan = [answer, answer]
    before = datetime.now(UTC)
    message = talk.send()
    assert message.state == MessageState.QUEUED
    assert message.next_attempt_at is not None
    assert message.next_attempt_at > before + timedelta(seconds=2)
    talk.deliver(message.id)
    assert api.taken == []
    for _ in range(3):
        talk.let_pass(message.id, minutes=1)
    assert talk.state(message.id).state == MessageState.SENT
    assert len(api.taken) == 1


def test_a_carrier_that_says_how_long_to_wait_is_left_alone_that_long(line: Line, api: Api) -> None:
    api.plan, api.headers = [429], {"Retry-After": "120"}
    message = Talk(line).send()
    assert message.next_attempt_at is not None
    assert message.next_attempt_at > datetime.now(UTC) + timedelta(seconds=100)


def test_aws_throttles_with_a_400_of_that_name_and_other_refusals_say_why(world: World, api: Api) -> None:
    talk = Talk(Line(world, "aws").open())
    api.plan = [(400, "ThrottlingException")]
    message = talk.send()
    assert message.state == MessageState.QUEUED
    talk.let_pass(message.id, minutes=1)
    assert talk.state(message.id).state == MessageState.SENT
    api.plan = [(400, "DESTINATION_PHONE_NUMBER_NOT_VERIFIED")]
    assert "sandbox" in talk.send().detail
    api.plan = [(400, "AccessDeniedException")]
    refused = talk.send()
    assert (refused.state, refused.failure_code) == (MessageState.FAILED, "AccessDeniedException")
    assert refused.detail == "The carrier's answer: It is not possible. (code AccessDeniedException)."


def test_a_carrier_that_is_out_of_reach_delays_a_text_and_never_loses_it(line: Line, api: Api) -> None:
    talk = Talk(line)
    with reach_carriers_at(line.world.app, "http://127.0.0.1:9"):
        message = talk.send()
    assert message.state == MessageState.QUEUED
    talk.let_pass(message.id, minutes=1)
    assert talk.state(message.id).state == MessageState.SENT


def test_a_definite_refusal_is_never_tried_again(line: Line, api: Api) -> None:
    talk = Talk(line)
    api.plan = [(400, "21211")]
    message = talk.send()
    assert (message.state, message.failure_code) == (MessageState.FAILED, "21211")
    talk.let_pass(message.id, hours=1)
    assert api.taken == []


def test_a_text_whose_answer_was_lost_is_never_sent_twice(line: Line, api: Api) -> None:
    talk = Talk(line)
    talk.send("Hello back")
    api.plan = [LOST]
    message = talk.send("Hello back")
    assert message.state == MessageState.SENDING
    assert len(api.taken) == 2
    talk.let_pass(message.id, minutes=2)
    found = talk.state(message.id)
    if line.end.finds_lost:
        assert (found.state, found.provider_message_id) == (MessageState.SENT, api.taken[1][4])
    else:
        assert found.state == MessageState.SENDING
        talk.let_pass(message.id, minutes=11)
        lost = talk.state(message.id)
        assert (lost.state, lost.detail) == (MessageState.FAILED, LOST_SIGHT)
        message.provider_message_id = api.taken[1][4]
        talk.receipt(message, "delivered")
        assert talk.state(message.id).state == MessageState.DELIVERED
    assert len(api.taken) == 2


def test_an_error_of_a_gateway_after_the_text_was_taken_does_not_send_it_twice(line: Line, api: Api) -> None:
    talk = Talk(line)
    api.plan = [500, 502]
    message = talk.send()
    assert message.state == MessageState.SENDING
    talk.let_pass(message.id, seconds=40)
    assert api.taken == []
    message.provider_message_id = "taken-after-all"
    talk.receipt(message, "delivered")
    assert talk.state(message.id).state == MessageState.DELIVERED


def test_a_receipt_for_a_text_that_waits_for_its_next_try_ends_the_wait(line: Line, api: Api) -> None:
    talk = Talk(line)
    api.plan = [503]
    message = talk.send()
    message.provider_message_id = "taken-after-all"
    talk.receipt(message, "delivered")
    talk.let_pass(message.id, minutes=1)
    assert talk.state(message.id).state == MessageState.DELIVERED
    assert api.taken == []


def test_a_text_whose_worker_died_before_the_call_is_sent_by_the_sweep(world: World, api: Api) -> None:
    talk = Talk(Line(world, "twilio").open())
    message_id = talk.compose()
    with world.session():
        db.session.execute(
            update(Message).where(Message.id == message_id).values(state="sending", send_key="a key")
        )
        db.session.commit()
    talk.let_pass(message_id, seconds=40)
    assert talk.state(message_id).state == MessageState.SENDING
    talk.let_pass(message_id, minutes=2)
    assert talk.state(message_id).state == MessageState.SENT
    assert len(api.taken) == 1


def test_a_receipt_of_a_text_that_is_not_ours_is_let_go_in_the_end(line: Line, api: Api) -> None:
    talk = Talk(line)
    talk.receipt(Message(provider_message_id="nobodys", send_key="none"), "delivered")
    with line.world.session():
        event = db.session.scalars(select(CarrierEvent).order_by(CarrierEvent.id.desc()).limit(1)).one()
        assert event.next_attempt_at is not None
        event.attempts, event.next_attempt_at = 20, datetime.now(UTC)
        db.session.commit()
    with line.world.app.app_context():
        sweep_carrier_events()
    with line.world.session():
        assert (
            db.session.scalars(select(CarrierEvent).where(CarrierEvent.next_attempt_at.is_not(None))).all()
            == []
        )
