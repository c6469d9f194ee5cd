"""Texts that go out through a carrier's API: once, with what became of them, and the carrier's blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import User
from cadence_app.consent import blocks
from cadence_app.consent.models import BlockScope
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.jobs import reconcile_account, sweep_carrier_events
from cadence_app.messaging.carriers.models import Carrier, CarrierEvent, KeywordAnswers
from cadence_app.messaging.jobs import sweep_texts
from cadence_app.messaging.models import Conversation, Message, MessageKind, MessageState
from cadence_app.messaging.sending import LOST_SIGHT, compose, deliver, refusal
from tests.consent.test_number_stops import add_by_hand
from tests.contacts import importing
from tests.messaging.carriers import sns
from tests.messaging.carriers.api import LOST, URLS, Api, carrier_api
from tests.messaging.carriers.posting import Line
from tests.records.people import text_at
from tests.world import World, new_number

BLOCK_CODES = {
    Carrier.TWILIO: (400, "21610"),
    Carrier.TELNYX: (403, "40300"),
    Carrier.AWS: (400, "DESTINATION_PHONE_NUMBER_OPTED_OUT"),
}
# Why a text failed later, and what is said of it.
FAILURES = {
    Carrier.TWILIO: ("30006", "landline"),
    Carrier.TELNYX: ("40001", "landline"),
    Carrier.BANDWIDTH: ("9", "carrier-rejected (code 9)"),
    Carrier.AWS: ("TEXT_CARRIER_BLOCKED", "The phone's network blocks texts to it."),
}


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    with carrier_api(world.app) as api:
        yield api


@pytest.fixture(params=list(Carrier))
def line(request: pytest.FixtureRequest, world: World, api: Api) -> Line:
    return Line(world, request.param).open()


class Talk:
    """A conversation of a contact at the line's inbox, whom an agent texts."""

    def __init__(self, line: Line) -> None:
        self.line, self.world, self.number = line, line.world, new_number()
        line.text(self.number, "Hello")
        self.contact_id = self.world.contact_id(self.number)

    def send(self, body: str = "Hello back") -> Message:
        return self.state(self.deliver(self.compose(body)))

    def compose(self, body: str = "Hello back") -> int:
        with self.world.session():
            conversation = db.session.scalars(
                select(Conversation).where(Conversation.contact_id == self.contact_id)
            ).one()
            message = compose(db.session.get_one(User, self.world.agent_id), conversation, body)
            db.session.commit()
            return message.id

    def deliver(self, message_id: int) -> int:
        with self.world.session():
            deliver(message_id)
        return message_id

    def state(self, message_id: int) -> Message:
        with self.world.session():
            message = db.session.get_one(Message, message_id)
            db.session.expunge(message)
            return message

    def let_pass(self, message_id: int, **time: float) -> None:
        """Lets a text have been sending, and waiting for its next try, for some time; then sweeps."""
        with self.world.session():
            ago = datetime.now(UTC) - timedelta(**time)
            db.session.execute(
                update(Message)
                .where(Message.id == message_id)
                .values(sending_since=ago, created_at=ago, next_attempt_at=None)
            )
            db.session.commit()
        with self.world.app.app_context():
            sweep_texts()

    def refusal(self) -> str | None:
        with self.world.session():
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == self.world.shared)).one()
            message = Message(kind="person")
            return refusal(inbox, self.contact_id, message.kind)

    def receipt(self, message: Message, fate: str, code: str = "") -> None:
        """What this carrier posts about a text of ours."""
        line, message_id, key = self.line, str(message.provider_message_id), str(message.send_key)
        if line.carrier == Carrier.TWILIO:
            fields = {"MessageSid": message_id, "MessageStatus": fate, "To": self.number}
            answer = line.post_form(fields | ({"ErrorCode": code} if code else {}), f"?text={key}")
        elif line.carrier == Carrier.TELNYX:
            status = {"failed": "delivery_failed"}.get(fate, fate)
            payload = {
                "id": message_id,
                "to": [{"phone_number": self.number, "status": status}],
                "tags": [key],
                "errors": [{"code": code, "title": "No"}] if code else [],
            }
            kind = "message.sent" if fate == "sent" else "message.finalized"
            answer = line.post(*line.signed(json.dumps({"data": {"event_type": kind, "payload": payload}})))
        elif line.carrier == Carrier.AWS:
            kind = {"sent": "TEXT_SUCCESSFUL", "delivered": "TEXT_DELIVERED"}.get(fate, code)
            event = {"eventType": kind, "eventTimestamp": 1686975103470, "messageId": message_id}
            answer = line.post(*line.of_topic(sns.notification(event | {"context": {"cadence": key}})))
        else:
            kind = {"sent": "message-sending"}.get(fate, f"message-{fate}")
            event = {"type": kind, "message": {"id": message_id, "tag": key}, "time": "2026-01-01T00:00:00Z"}
            event |= {"errorCode": code, "description": "carrier-rejected"} if code else {}
            answer = line.post(*line.basic(json.dumps([event])))
        assert answer.status_code == 200


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
    code, said = FAILURES[line.carrier]
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


@pytest.mark.parametrize("carrier", [Carrier.TELNYX, Carrier.BANDWIDTH, Carrier.AWS])
def test_a_carrier_that_says_how_long_to_wait_is_left_alone_that_long(
    carrier: Carrier, world: World, api: Api
) -> None:
    """Twilio's library does not pass Retry-After on."""
    line = Line(world, carrier).open()
    api.plan, api.headers = [429], {"Retry-After": "120"}
    message = Talk(line).send()
    assert message.next_attempt_at is not None
    assert message.next_attempt_at > datetime.now(UTC) + timedelta(seconds=100)


def test_aws_throttles_with_a_400_of_that_name_and_other_refusals_say_why(world: World, api: Api) -> None:
    talk = Talk(Line(world, Carrier.AWS).open())
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
    reached = {name: line.world.app.config[name] for name in URLS}
    line.world.app.config.update(dict.fromkeys(URLS, "http://127.0.0.1:9"))
    message = talk.send()
    assert message.state == MessageState.QUEUED
    line.world.app.config.update(reached)
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
    if line.carrier == Carrier.TWILIO:
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


@pytest.mark.parametrize("carrier", [Carrier.TELNYX, Carrier.AWS])
def test_start_lifts_a_carriers_block_where_cadence_answers_keywords_too(
    carrier: Carrier, world: World, api: Api
) -> None:
    line = Line(world, carrier, KeywordAnswers.OURS).open()
    talk = Talk(line)
    api.plan = [BLOCK_CODES[carrier]]
    talk.send()
    assert "carrier blocks" in str(talk.refusal())
    line.text(talk.number, "START")
    assert talk.refusal() is None


def test_a_start_that_aws_did_not_act_on_shows_by_the_next_text(world: World, api: Api) -> None:
    talk = Talk(line := Line(world, Carrier.AWS).open())
    api.plan = [BLOCK_CODES[Carrier.AWS]]
    talk.send()
    line.text(talk.number, "START", messageKeyword="KEYWORD_123456789012")
    assert talk.refusal() is None
    api.plan = [BLOCK_CODES[Carrier.AWS]]
    assert "blocks" in talk.send().detail
    assert "carrier blocks" in str(talk.refusal())


def test_a_text_whose_worker_died_before_the_call_is_sent_by_the_sweep(world: World, api: Api) -> None:
    talk = Talk(Line(world, Carrier.TWILIO).open())
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


@pytest.mark.parametrize("carrier", BLOCK_CODES)
def test_a_block_of_the_carriers_stands_beside_consent_and_takes_back_what_waits(
    carrier: Carrier, world: World, api: Api
) -> None:
    talk = Talk(Line(world, carrier).open())
    waiting = talk.compose("A second one")
    api.plan = [BLOCK_CODES[carrier]]
    message = talk.send()
    assert message.detail == "The carrier blocks this number: its owner texted STOP to yours."
    assert world.status(talk.contact_id) == "opted_in"
    assert talk.refusal() == "The carrier blocks this number until the contact texts START to it."
    assert talk.state(waiting).state == MessageState.SUPPRESSED
    assert api.taken == []
    page = world.sign_in("agent").get(f"/contacts/{talk.contact_id}").text
    assert "Opted in" in page
    assert "blocks" in page


def test_a_block_that_a_receipt_tells_counts_too(world: World, api: Api) -> None:
    talk = Talk(Line(world, Carrier.TWILIO).open())
    talk.receipt(talk.send(), "undelivered", "21610")
    assert "carrier blocks" in str(talk.refusal())


@pytest.mark.parametrize("carrier", BLOCK_CODES)
def test_stop_blocks_at_a_carrier_that_acts_itself_and_start_lifts_it_there(
    carrier: Carrier, world: World, api: Api
) -> None:
    line = Line(world, carrier, KeywordAnswers.BUILT_IN).open()
    talk = Talk(line)
    line.text(talk.number, "stop")
    assert "carrier blocks" in str(talk.refusal())
    line.text(talk.number, "OPT OUT!")
    with world.session():
        assert blocks.blocked(talk.contact_id, BlockScope.CARRIER_NUMBER, _inbox_id(world), talk.number)
    line.text(talk.number, "Start")
    assert talk.refusal() is None
    assert talk.send().state == MessageState.SENT


def _inbox_id(world: World) -> int:
    return db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one()


def test_an_agents_opt_in_says_that_the_carrier_still_blocks(world: World, api: Api) -> None:
    line = Line(world, Carrier.TWILIO, KeywordAnswers.BUILT_IN).open()
    talk = Talk(line)
    line.text(talk.number, "stop")
    agent = world.sign_in("agent")
    agent.get(f"/contacts/{talk.contact_id}")
    path = f"/contacts/{talk.contact_id}/teams/{world.team_id}/consent"
    agent.post(path, {"status": "opted_in", "reason": "Called us."})
    assert world.status(talk.contact_id) == "opted_in"
    assert "carrier blocks" in str(talk.refusal())


@pytest.mark.parametrize("carrier", [Carrier.TELNYX, Carrier.AWS])
def test_a_block_of_a_profile_or_list_reaches_every_inbox_of_the_account_and_the_page_warns(
    carrier: Carrier, world: World, api: Api
) -> None:
    line = Line(world, carrier, KeywordAnswers.BUILT_IN).open(also=world.other_shared)
    talk = Talk(line)
    line.text(talk.number, "STOP")
    with world.session():
        inbox_ids = db.session.scalars(select(Inbox.id).where(Inbox.carrier_account_id == line.account_id))
        blocked = [
            blocks.blocked(talk.contact_id, BlockScope.CARRIER_NUMBER, inbox_id, talk.number)
            for inbox_id in inbox_ids
        ]
    assert blocked == [True, True]
    page = world.sign_in("admin").get("/settings/carriers/").text
    assert "Admissions and Aid share" in page


@pytest.mark.parametrize("carrier", [Carrier.TELNYX, Carrier.AWS])
def test_the_carriers_list_adds_blocks_and_takes_none_away(carrier: Carrier, world: World, api: Api) -> None:
    talk, other = Talk(line := Line(world, carrier).open()), Talk(line)
    with world.session():
        blocks.block(other.contact_id, BlockScope.CARRIER_NUMBER, _inbox_id(world), other.number)
        db.session.commit()
    api.blocked = [new_number(), new_number(), talk.number]
    for _ in range(2):
        with world.app.app_context():
            reconcile_account(world.tenant_id, line.account_id)
    assert "carrier blocks" in str(talk.refusal())
    assert "carrier blocks" in str(other.refusal())
    assert world.status(talk.contact_id) == "opted_in"
    assert len(world.history(talk.contact_id)) == 1


def refused(world: World, contact_id: int) -> str:
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        return str(refusal(inbox, contact_id, MessageKind.PERSON))


def _by_hand(world: World, number: str) -> int:
    return add_by_hand(world, number)


def _by_a_file(world: World, number: str) -> int:
    importing.run(world, importing.csv_of(("Nora", "New", "", number, "ADM", "no")))
    return world.contact_id(number)


def _as_the_number_of_somebody_known(world: World, number: str) -> int:
    contact_id = add_by_hand(world, new_number())
    text_at(world, contact_id, number, "Signed form 12.")
    return contact_id


@pytest.mark.parametrize("way", [_by_hand, _by_a_file, _as_the_number_of_somebody_known])
def test_whoever_gets_a_number_that_a_carrier_blocks_is_shown_blocked_at_once(
    world: World, api: Api, way: Callable[[World, str], int]
) -> None:
    talk = Talk(line := Line(world, Carrier.TELNYX).open())
    with world.session():
        blocks.block_number(talk.contact_id, _inbox_id(world), talk.number)
        db.session.commit()
    text_at(world, talk.contact_id, new_number(), "Signed form 12.")
    assert "carrier blocks" not in refused(world, talk.contact_id)
    holder = way(world, talk.number)
    assert "carrier blocks" in refused(world, holder)
    assert "The carrier" in world.sign_in("admin").get(f"/contacts/{holder}").text
    line.text(talk.number, "START")
    assert "carrier blocks" not in refused(world, holder)
    # And so for who has it after them, or again.
    text_at(world, holder, new_number())
    text_at(world, talk.contact_id, talk.number, "Signed form 13.")
    assert "carrier blocks" not in refused(world, talk.contact_id)


def test_a_receipt_that_comes_after_the_number_has_changed_blocks_the_number_that_was_texted(
    world: World, api: Api
) -> None:
    talk = Talk(Line(world, Carrier.TELNYX).open())
    sent = talk.send()
    text_at(world, talk.contact_id, later := new_number(), "Signed form 12.")
    holder = add_by_hand(world, talk.number)
    talk.receipt(sent, "failed", "40300")
    assert "carrier blocks" in refused(world, holder)
    assert "carrier blocks" not in refused(world, talk.contact_id)
    text_at(world, talk.contact_id, new_number())
    assert "carrier blocks" not in refused(world, add_by_hand(world, later))


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
