"""What comes from carriers: proven, taken in once, and never lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.jobs import sweep_carrier_events
from cadence_app.messaging.carriers.models import CarrierEvent
from cadence_app.messaging.models import Conversation, Message, MessageKind, MessageState
from cadence_app.messaging.providers.base import KeywordAnswers
from tests.messaging.carriers.api import carrier_api
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.ends.base import Post
from tests.messaging.carriers.ends.telnyx import TelnyxEnd
from tests.messaging.carriers.posting import Line
from tests.world import World, new_number


@pytest.fixture(params=CODES)
def line(request: pytest.FixtureRequest, world: World) -> Iterator[Line]:
    # AWS signs by a certificate that it keeps.
    with carrier_api(world.app):
        yield Line(world, request.param).open()


def count(world: World, table: type[Message] | type[CarrierEvent]) -> int:
    with world.session():
        return db.session.scalars(select(func.count()).select_from(table)).one()


def texts_with(world: World, number: str) -> list[Message]:
    with world.session():
        contact_id = world.contact_id(number)
    with world.session():
        conversation_id = db.session.scalars(
            select(Conversation.id).where(Conversation.contact_id == contact_id)
        ).one()
    return world.messages(conversation_id)


def test_a_text_comes_in_and_its_stop_opts_out(line: Line) -> None:
    number = new_number()
    assert line.text(number, "Hello").status_code == 200
    contact_id = line.world.contact_id(number)
    assert line.world.status(contact_id) == "opted_in"
    assert line.text(number, "STOP").status_code == 200
    assert line.world.status(contact_id) == "opted_out"
    assert [text.body for text in texts_with(line.world, number)][:2] == ["Hello", "STOP"]
    with line.world.session():
        assert db.session.scalars(select(CarrierEvent.content)).all() == [{}, {}]


def test_the_same_text_again_is_answered_and_changes_nothing(line: Line) -> None:
    number = new_number()
    for _ in range(3):
        assert line.text(number, "Hello", "one-and-the-same").status_code == 200
    assert len(texts_with(line.world, number)) == 1
    assert count(line.world, CarrierEvent) == 1


@pytest.mark.parametrize("line", [code for code in CODES if ENDS[code].proof], indirect=True)
def test_a_post_that_is_not_signed_is_refused_and_leaves_no_trace(line: Line) -> None:
    """Telnyx publishes no signed example: the tests of its own libraries sign by a key made for the test too.
    Bandwidth signs nothing, and has a password."""
    body, headers, query = line.content(new_number(), "STOP", "m-1")
    assert line.post(Post(body, {"Content-Type": headers["Content-Type"]}, query)).status_code == 403
    proof = str(line.end.proof)
    flipped = headers[proof][:-6] + ("A" if headers[proof][-6] != "A" else "B") + headers[proof][-5:]
    assert line.post(Post(body, headers | {proof: flipped}, query)).status_code == 403
    if line.end.signs_body:
        assert line.post(Post(body.replace(b"STOP", b"STOQ"), headers, query)).status_code == 403
    assert count(line.world, Message) == count(line.world, CarrierEvent) == 0


def test_an_address_that_is_none_is_404(line: Line) -> None:
    post = line.content(new_number(), "Hello", "m-1")
    assert replace(line, path=line.path[:-1]).post(post).status_code == 404
    other = next(code for code in CODES if code != line.carrier)
    assert replace(line, path=line.path.replace(line.carrier, other)).post(post).status_code == 404


def test_a_nul_in_a_text_is_left_out(line: Line) -> None:
    number = new_number()
    assert line.text(number, "Hel\x00lo").status_code == 200
    assert texts_with(line.world, number)[0].body == "Hello"


def read_now(line: Line) -> None:
    """Reads what is kept as the sweep does once its wait is over."""
    with line.world.session():
        db.session.execute(update(CarrierEvent).values(next_attempt_at=func.now()))
        db.session.commit()
    with line.world.app.app_context():
        sweep_carrier_events()


def test_a_stop_to_a_number_of_no_inbox_yet_is_answered_and_kept_until_there_is_one(line: Line) -> None:
    number, later = new_number(), new_number()
    line.text(number, "Hello")
    assert line.text(number, "STOP", to=later).status_code == 200
    with line.world.session():
        event = db.session.scalars(select(CarrierEvent).order_by(CarrierEvent.id.desc()).limit(1)).one()
        assert event.problem == f"No inbox has the number {later}."
        db.session.execute(update(Inbox).where(Inbox.number == line.world.toll_free).values(number=later))
        db.session.commit()
    read_now(line)
    assert line.world.status(line.world.contact_id(number)) == "opted_out"


def test_half_an_emoji_at_the_end_of_a_cut_text_is_taken(line: Line) -> None:
    if line.end.is_form:
        return
    number = new_number()
    assert line.text(number, "Hello \ud83d").status_code == 200
    assert texts_with(line.world, number)[0].body == "Hello ?"


def test_one_event_that_can_not_be_read_keeps_no_stop_beside_it_away(world: World) -> None:
    line, number = Line(world, "bandwidth").open(), new_number()
    line.text(number, "Hello")
    good = line.content(number, "STOP", "a stop")[0].decode()[1:-1]
    short_code = good.replace(number, "12345").replace("a stop", "another")
    body = f'[{short_code},7,null,{{}},{good},"STOP",[[]]]'
    assert line.post(line.end.proven(body, "")).status_code == 200
    assert world.status(world.contact_id(number)) == "opted_out"


def test_an_account_can_not_write_into_an_inbox_of_another_tenant(line: Line, legacy_world: World) -> None:
    assert line.text(new_number(), "STOP", to=legacy_world.shared).status_code == 200
    assert count(legacy_world, Message) == count(line.world, Message) == 0


def test_an_inbox_that_is_set_up_with_another_account_gets_its_texts_all_the_same(line: Line) -> None:
    number = new_number()
    assert line.text(number, "STOP", to=line.world.other_shared).status_code == 200
    assert line.world.status(line.world.contact_id(number), line.world.other_team_id) == "opted_out"


def test_a_text_that_is_held_up_is_answered_at_once_and_read_by_the_sweep(line: Line) -> None:
    number = new_number()
    line.text(number, "Hello")
    contact_id = line.world.contact_id(number)
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with line.world.session():
            lock_contacts([contact_id])
            held.set()
            go.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    assert line.text(number, "STOP").status_code == 200
    assert line.world.status(contact_id) == "opted_in"
    go.set()
    thread.join()
    with line.world.session():
        event = db.session.scalars(select(CarrierEvent).order_by(CarrierEvent.id.desc()).limit(1)).one()
        assert event.attempts == 1
        event.next_attempt_at = func.now()
        db.session.commit()
    with line.world.app.app_context():
        sweep_carrier_events()
    assert line.world.status(contact_id) == "opted_out"


def _telnyx(line: Line) -> TelnyxEnd:
    assert isinstance(line.end, TelnyxEnd)
    return line.end


def test_telnyx_posts_older_or_newer_than_five_minutes_are_refused(world: World) -> None:
    line = Line(world, "telnyx").open()
    body = line.content(new_number(), "Hello", "m-1").body.decode()
    for age in (-301, 301, 10**12):
        assert line.post(_telnyx(line).proven(body, at=int(time.time()) - age)).status_code == 403
    assert line.post(_telnyx(line).proven(body, at=int(time.time()) - 290)).status_code == 200


def test_events_about_something_else_are_answered(world: World) -> None:
    line = Line(world, "telnyx").open()
    assert (
        line.post(
            _telnyx(line).proven('{"data": {"event_type": "message.link_click", "payload": {}}}')
        ).status_code
        == 200
    )


def replies(line: Line, number: str) -> list[tuple[str, str]]:
    return [
        (text.kind, text.state) for text in texts_with(line.world, number) if text.kind != MessageKind.PERSON
    ]


def test_what_advanced_opt_out_answered_is_not_answered_again(world: World) -> None:
    line = Line(world, "twilio", KeywordAnswers.TOLD).open()
    number = new_number()
    line.text(number, "Hello")
    line.text(number, "STOP", OptOutType="STOP")
    assert world.status(world.contact_id(number)) == "opted_out"
    assert replies(line, number) == [(MessageKind.OPT_OUT_REPLY, MessageState.SUPPRESSED)]
    other = new_number()
    line.text(other, "STOP")
    assert replies(line, other) == [(MessageKind.OPT_OUT_REPLY, MessageState.QUEUED)]


def test_a_word_that_only_the_carrier_knows_opts_out_for_it_blocks_by_then(world: World) -> None:
    line = Line(world, "twilio", KeywordAnswers.TOLD).open()
    number = new_number()
    line.text(number, "Hello")
    line.text(number, "Desuscribirme ya", OptOutType="STOP")
    (_, change) = world.history(world.contact_id(number))
    assert (change.status, change.source, change.words) == ("opted_out", "keyword", "Desuscribirme ya")


def test_a_carrier_that_answers_the_usual_words_leaves_the_organisations_own_to_us(world: World) -> None:
    line = Line(world, "twilio", KeywordAnswers.BUILT_IN).open()
    number = new_number()
    line.text(number, "HELP")
    line.text(number, "STOP")
    assert {state for _, state in replies(line, number)} == {MessageState.SUPPRESSED}


def test_bandwidth_may_bring_several_texts_in_one_post(world: World) -> None:
    line = Line(world, "bandwidth").open()
    numbers = [new_number(), new_number()]
    events = [event for number in numbers for event in line.event(number, "Hello", number)]
    assert line.post(line.proven(json.dumps(events))).status_code == 200
    assert all(world.status(world.contact_id(number)) == "opted_in" for number in numbers)
