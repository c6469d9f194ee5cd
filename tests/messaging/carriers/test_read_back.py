"""A STOP that was sent while nobody was there to take it in: read back once, before anything goes to many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from cadence_app.campaigns import sending
from cadence_app.campaigns.models import Campaign
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.messaging.carriers import gaps, jobs, read_back
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadPost
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Message
from cadence_app.messaging.providers.base import KeywordAnswers
from tests.campaigns.sending import add_campaign, always_open, start
from tests.messaging.carriers.api import Api, Came, carrier_api
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.gaps import ago, back, change, read, silent_since, why
from tests.messaging.carriers.posting import Line
from tests.world import World, new_number


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    with carrier_api(world.app) as api:
        yield api
        with world.session():
            gaps.beat()


@pytest.fixture(params=[code for code in CODES if ENDS[code].lists])
def line(request: pytest.FixtureRequest, world: World, api: Api) -> Line:
    line = Line(world, request.param).open()
    # An account of some days.
    change(line, created_at=ago(days=3), read_to=ago(hours=2))
    return line


def test_ten_minutes_down_and_five_stops_are_honoured_before_a_campaign_goes_on(
    line: Line, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = line.world
    numbers = [new_number() for _ in range(7)]
    for number in numbers:
        line.text(number, "Hello")
    before = len(api.taken)
    silent_since(world, ago(minutes=10), line)
    api.came = [
        Came(number, world.shared, "STOP", ago(minutes=8 - n)) for n, number in enumerate(numbers[:5])
    ]
    always_open(world)
    campaign_id = add_campaign(world)
    start(world, campaign_id)

    def work() -> None:
        with world.session():
            db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(wake_at=func.now()))
            db.session.commit()
            sending.work(campaign_id)

    # The workers are up first; then the web server; then the carrier is asked.
    work()
    assert len(api.taken) == before
    assert "does not answer" in why(line)
    back(world)
    work()
    assert len(api.taken) == before
    assert "one may be a STOP" in why(line)
    assert "one may be a STOP" in world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    read(line)
    assert [world.status(world.contact_id(number)) for number in numbers] == ["opted_out"] * 5 + [
        "opted_in"
    ] * 2
    # The carrier's list may lag behind: it is asked once more before anything goes.
    work()
    assert len(api.taken) == before
    monkeypatch.setattr(gaps, "list_lag", lambda account: timedelta(0))
    back(world)
    read(line)
    assert why(line) == ""
    work()
    sent = {text[1] for text in api.taken[before:]}
    assert sent == set(numbers[5:])


def test_a_text_is_taken_in_once_however_it_comes_and_with_the_carriers_time(line: Line, api: Api) -> None:
    number, at = new_number(), ago(minutes=50).replace(microsecond=0)
    api.came = [Came(number, line.world.shared, "Hello", at, "one-and-the-same")]
    read(line)
    read(line)
    assert line.text(number, "Hello", "one-and-the-same").status_code == 200
    other = new_number()
    line.text(other, "Hello", "another")
    api.came = [*api.came, Came(other, line.world.shared, "Hello", at, "another")]
    read(line)
    with line.world.session():
        found = db.session.scalars(
            select(Message).where(Message.direction == "inbound").order_by(Message.id)
        ).all()
        assert [text.provider_message_id for text in found] == ["one-and-the-same", "another"]
        assert found[0].provider_at == at
        assert db.session.scalars(select(func.count()).select_from(CarrierEvent)).one() == 2


def test_the_earliest_word_is_read_first(line: Line, api: Api) -> None:
    number = new_number()
    line.text(number, "Hello")
    texts = [(30, "STOP"), (20, "START"), (10, "STOP"), (5, "START")]
    api.came = [Came(number, line.world.shared, word, ago(minutes=minutes)) for minutes, word in texts]
    read(line)
    contact_id = line.world.contact_id(number)
    assert [row.status for row in line.world.history(contact_id)] == [
        "opted_in",
        *(["opted_out", "opted_in"] * 2),
    ]


def test_what_came_before_the_account_was_entered_stays_where_it_is(line: Line, api: Api) -> None:
    change(line, created_at=ago(minutes=5), read_to=ago(minutes=5))
    api.came = [Came(new_number(), line.world.shared, "STOP", ago(minutes=30))]
    read(line)
    with line.world.session():
        assert db.session.scalars(select(Message)).all() == []


def test_a_sender_that_is_nobody_and_files_are_read_back_as_they_are_posted(line: Line, api: Api) -> None:
    number = new_number()
    api.came = [
        Came("60755", line.world.shared, "STOP", ago(minutes=5)),
        Came(number, line.world.shared, "Look", ago(minutes=4), files=["one.png", "two.png"]),
    ]
    read(line)
    with line.world.session():
        assert [post.sender for post in db.session.scalars(select(UnreadPost))] == ["60755"]
        assert len(db.session.scalars(select(MessageMedia)).all()) == 2


def test_a_text_of_which_telnyx_has_no_words_any_more_waits_first(world: World, api: Api) -> None:
    line = Line(world, "telnyx").open()
    change(line, created_at=ago(days=3), read_to=ago(hours=2))
    number = new_number()
    api.came = [Came(number, world.shared, "STOP", ago(minutes=5), forgotten=True)]
    read(line)
    read(line)
    with world.session():
        (post,) = db.session.scalars(select(UnreadPost)).all()
        assert (post.sender, post.words, post.due_on is None) == (number, "", False)


def test_an_account_is_read_hourly_and_at_once_after_a_gap(line: Line) -> None:
    def due() -> list[int]:
        with line.world.session():
            return read_back.claim_due()

    assert due() == [line.account_id]
    assert due() == []
    change(line, read_tried_at=ago(minutes=59))
    assert due() == []
    change(line, read_tried_at=ago(minutes=61))
    assert due() == [line.account_id]
    change(line, read_tried_at=ago(minutes=2))
    silent_since(line.world, ago(minutes=10), line)
    back(line.world)
    assert due() == [line.account_id]


def test_a_stop_that_could_not_be_taken_in_yet_keeps_the_gap_open(
    line: Line, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "list_lag", lambda account: timedelta(0))
    silent_since(line.world, ago(minutes=10), line)
    back(line.world)
    api.came = [Came(new_number(), line.world.shared, "STOP", ago(minutes=5))]
    with monkeypatch.context() as patched:
        patched.setattr("cadence_app.messaging.carriers.intake.receive_text", _fails)
        read(line)
    assert why(line)
    with line.world.session():
        db.session.execute(update(CarrierEvent).values(next_attempt_at=func.now()))
        db.session.commit()
    with line.world.app.app_context():
        jobs.sweep_carrier_events()
    back(line.world)
    read(line)
    assert why(line) == ""


def _fails(*given: object, **named: object) -> None:
    raise RuntimeError("somebody pulled a plug")


def test_what_advanced_opt_out_has_acted_on_is_blocked_when_it_is_read_back(world: World, api: Api) -> None:
    line = Line(world, "twilio", KeywordAnswers.TOLD).open()
    change(line, created_at=ago(days=3), read_to=ago(hours=2))
    number = new_number()
    api.came = [Came(number, world.shared, "Stop", ago(minutes=5))]
    read(line)
    assert world.status(world.contact_id(number)) == Status.OPTED_OUT
    with world.session():
        replies = db.session.scalars(select(Message).where(Message.direction == "outbound")).all()
        assert [text.state for text in replies] == ["suppressed"]
