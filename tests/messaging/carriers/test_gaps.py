"""What waits while no text could come in, and for how long."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging import later
from cadence_app.messaging.carriers import gaps
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.models import Conversation, LaterState, ScheduledText
from cadence_app.messaging.sending import compose, deliver
from tests.messaging.carriers.api import Api, carrier_api
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.gaps import account, ago, back, change, read, silent_since, why
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
    line = Line(world, "bandwidth").open()
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
    line = Line(world, "twilio").open()
    silent_since(world, ago(seconds=5))
    back(world)
    assert why(line) == ""
    silent_since(world, ago(seconds=30))
    back(world)
    back(world)
    with world.session():
        found = gaps.open_gaps(db.session.get_one(CarrierAccount, line.account_id))
        assert [round((gap.ended_at - gap.began_at).total_seconds()) for gap in found] == [30]


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
