"""A STOP that was sent while nobody was there to take it in: read back once, before anything goes to many."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select, update

from cadence_app.accounts.models import User
from cadence_app.campaigns import sending
from cadence_app.campaigns.models import Campaign
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.messaging import later
from cadence_app.messaging.carriers import gaps, jobs, read_back
from cadence_app.messaging.carriers.models import (
    Carrier,
    CarrierAccount,
    CarrierEvent,
    InboundBeat,
    KeywordAnswers,
    UnreadPost,
)
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Conversation, LaterState, Message, ScheduledText
from cadence_app.messaging.sending import compose, deliver
from tests.campaigns.sending import add_campaign, always_open, start
from tests.messaging.carriers.api import Api, Came, carrier_api
from tests.messaging.carriers.posting import Line
from tests.world import World, new_number

LISTING = [Carrier.TWILIO, Carrier.TELNYX]


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    with carrier_api(world.app) as api:
        yield api
        with world.session():
            gaps.beat()


@pytest.fixture(params=LISTING)
def line(request: pytest.FixtureRequest, world: World, api: Api) -> Line:
    line = Line(world, request.param).open()
    # An account of some days.
    change(line, created_at=ago(days=3), read_to=ago(hours=2))
    return line


def ago(**of: float) -> datetime:
    return datetime.now(UTC) - timedelta(**of)


def change(line: Line, **values: object) -> None:
    with line.world.session():
        db.session.execute(
            update(CarrierAccount).where(CarrierAccount.id == line.account_id).values(**values)
        )
        db.session.commit()


def account(line: Line) -> CarrierAccount:
    with line.world.session():
        found = db.session.get_one(CarrierAccount, line.account_id)
        db.session.expunge(found)
        return found


def silent_since(world: World, at: datetime, line: Line | None = None) -> None:
    """The web server said last at this time that it is there; the account is older."""
    with world.session():
        db.session.execute(update(InboundBeat).values(beat_at=at))
        db.session.commit()
    if line:
        change(line, settled_to=at)


def back(world: World) -> None:
    with world.session():
        gaps.beat()


def read(line: Line) -> None:
    with line.world.app.app_context():
        jobs.read_account_back(line.world.tenant_id, line.account_id)


def why(line: Line) -> str:
    with line.world.session():
        return gaps.why_held(db.session.get_one(CarrierAccount, line.account_id))


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
    monkeypatch.setattr(gaps, "LIST_LAGS", dict.fromkeys(gaps.LIST_LAGS, timedelta(0)))
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
    line = Line(world, Carrier.TELNYX).open()
    change(line, created_at=ago(days=3), read_to=ago(hours=2))
    number = new_number()
    api.came = [Came(number, world.shared, "STOP", ago(minutes=5), forgotten=True)]
    read(line)
    read(line)
    with world.session():
        (post,) = db.session.scalars(select(UnreadPost)).all()
        assert (post.sender, post.words, post.due_on is None) == (number, "", False)


def test_a_carrier_out_of_reach_holds_campaigns_until_it_was_read_or_an_admin_lets_them_go(
    line: Line, api: Api
) -> None:
    silent_since(line.world, ago(minutes=10), line)
    back(line.world)
    api.out_of_reach = True
    read(line)
    assert account(line).read_problem
    assert "one may be a STOP" in why(line)
    page = line.world.sign_in("admin")
    url = f"/settings/carriers/{line.account_id}"
    shown = page.get(url).text
    assert "one may be a STOP" in shown
    assert "did not list them" in shown
    assert page.post(f"{url}/gaps").status_code == 302
    assert why(line) == ""
    assert "one may be a STOP" not in page.get(url).text


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
    monkeypatch.setattr(gaps, "LIST_LAGS", dict.fromkeys(gaps.LIST_LAGS, timedelta(0)))
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


def test_a_text_for_later_waits_too_and_one_by_hand_goes(line: Line, api: Api) -> None:
    world, number = line.world, new_number()
    line.text(number, "Hello")
    with world.session():
        conversation = db.session.scalars(select(Conversation)).one()
        user = db.session.get_one(User, world.admin_id)
        text_id = later.schedule_text(user, conversation, "See you", ago(minutes=1)).id
    silent_since(world, ago(minutes=10), line)
    with world.session():
        assert later.take_up(text_id) is None
        assert db.session.get_one(ScheduledText, text_id).state == LaterState.WAITING
        user = db.session.get_one(User, world.admin_id)
        by_hand = compose(user, db.session.scalars(select(Conversation)).one(), "Hi")
        db.session.commit()
        deliver(by_hand.id)
    assert [text[2] for text in api.taken] == ["Hi"]
    silent_since(world, ago(seconds=0), line)
    with world.session():
        assert later.take_up(text_id)


def test_the_simulator_and_carriers_that_post_again_hold_nothing_for_long(world: World, api: Api) -> None:
    line = Line(world, Carrier.BANDWIDTH).open()
    silent_since(world, ago(minutes=10))
    back(world)
    assert "post again" in why(line)
    change(line, settled_to=ago(minutes=20))
    owner = sa.create_engine(world.app.config["DATABASE_OWNER_URL"])
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE inbound_gaps SET ended_at = ended_at - interval '16 minutes',"
            " began_at = began_at - interval '16 minutes'"
        )
    owner.dispose()
    assert why(line) == ""
    page = world.sign_in("admin").get(f"/settings/carriers/{line.account_id}").text
    assert "Uncertain hours" in page
    assert "24 hours" in page


def test_a_short_silence_is_no_gap_and_every_longer_one_is_noted_once(world: World, api: Api) -> None:
    line = Line(world, Carrier.TWILIO).open()
    silent_since(world, ago(seconds=5))
    back(world)
    assert why(line) == ""
    silent_since(world, ago(seconds=30))
    back(world)
    back(world)
    with world.session():
        found = gaps.open_gaps(db.session.get_one(CarrierAccount, line.account_id))
        assert [round((gap.ended_at - gap.began_at).total_seconds()) for gap in found] == [30]


def test_what_advanced_opt_out_has_acted_on_is_blocked_when_it_is_read_back(world: World, api: Api) -> None:
    line = Line(world, Carrier.TWILIO, KeywordAnswers.TOLD).open()
    change(line, created_at=ago(days=3), read_to=ago(hours=2))
    number = new_number()
    api.came = [Came(number, world.shared, "Stop", ago(minutes=5))]
    read(line)
    assert world.status(world.contact_id(number)) == Status.OPTED_OUT
    with world.session():
        replies = db.session.scalars(select(Message).where(Message.direction == "outbound")).all()
        assert [text.state for text in replies] == ["suppressed"]


def test_the_beat_goes_on_while_the_database_is_out_of_reach(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[int] = []

    def fails_once() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise RuntimeError("the database is out of reach")

    twice, never = threading.Event(), threading.Event()

    def wait(seconds: float) -> None:
        if len(beats) == 2:
            twice.set()
            never.wait()

    monkeypatch.setattr(gaps, "beat", fails_once)
    gaps.keep_beating(world.app, wait)
    assert twice.wait(10)
