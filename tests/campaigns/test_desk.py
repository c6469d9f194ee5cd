"""What a campaign's texts do to the desk: its conversations come into the list once they are answered, and
what stands there already keeps its place."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.extensions import db
from cadence_app.messaging import answering
from cadence_app.messaging.models import Conversation
from tests.campaigns.sending import add_campaign, add_people, always_open, send, texts_of
from tests.world import World, new_number

DESK = "/messages/?inbox="
TABS = ("waiting", "unassigned", "mine", "unread", "snoozed", "done", "flagged", "all")


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> World:
    found = world if request.param == "teams" else legacy_world
    always_open(found)
    return found


@pytest.fixture
def open_world(world: World) -> World:
    always_open(world)
    return world


def listed(world: World, query: str = "&only=all") -> list[int]:
    """The conversations in an agent's list, of all or in a tab, in its order."""
    page = world.sign_in("agent").get(DESK + query).text
    return [int(found) for found in re.findall(r'id="convo-(\d+)"', page)]


def state_of(world: World, conversation_id: int) -> tuple[object, ...]:
    with world.session():
        found = db.session.get_one(Conversation, conversation_id)
        return found.state, found.snoozed_until, found.waiting_since, found.listed_at, found.unread


def conversation_with(world: World, contact_id: int) -> int:
    with world.session():
        query = select(Conversation.id).where(Conversation.contact_id == contact_id)
        return db.session.scalars(query).one()


@pytest.mark.parametrize("people", [1, 30])
def test_a_campaign_to_new_people_leaves_the_desk_as_it_was(either: World, people: int) -> None:
    mine = either.text(new_number(), "hi").conversation_id
    ids = add_people(either, people)
    send(either, add_campaign(either, Segment(Who.PICKED, contact_ids=tuple(ids))))
    agent = either.sign_in("agent")
    for tab in TABS:
        page = agent.get(f"{DESK}&only={tab}").text
        assert set(re.findall(r'id="convo-(\d+)"', page)) <= {str(mine)}, tab
    assert listed(either) == listed(either, "&only=waiting") == [mine]


def test_what_stands_on_the_desk_keeps_its_place_and_its_state(open_world: World) -> None:
    received = [open_world.text(new_number(), "hi") for _ in range(4)]
    waiting, done, snoozed, latest = (each.conversation_id for each in received)
    with open_world.session():
        agent = db.session.get_one(User, open_world.agent_id)
        answering.done(agent, db.session.get_one(Conversation, done), received[1].message_id)
        until = datetime.now(UTC) + timedelta(days=1)
        answering.snooze(agent, db.session.get_one(Conversation, snoozed), until, received[2].message_id)
        db.session.commit()
    order = listed(open_world)
    before = [state_of(open_world, each) for each in (waiting, done, snoozed, latest)]
    send(open_world, campaign := add_campaign(open_world))
    assert len(texts_of(open_world, campaign)) == 4
    assert [state_of(open_world, each) for each in (waiting, done, snoozed, latest)] == before
    assert listed(open_world) == order


@pytest.mark.parametrize(
    ("words", "waits"), [("yes please", True), ("stop texting me please", True), ("STOP", False)]
)
def test_a_campaigns_conversation_comes_into_the_list_with_its_answer(
    open_world: World, words: str, waits: bool
) -> None:
    number = new_number()
    (contact,) = add_people(open_world, 1, number=number)
    other = open_world.text(new_number(), "hi").conversation_id
    send(open_world, add_campaign(open_world, Segment(Who.PICKED, contact_ids=(contact,))))
    answered = open_world.text(number, words).conversation_id
    assert listed(open_world)[0] == answered
    assert listed(open_world)[1:] == [other]
    state, _, waiting_since, _, unread = state_of(open_world, answered)
    assert (state, waiting_since is not None, unread) == (("open", True, 1) if waits else ("done", False, 0))


def test_searching_a_person_finds_the_thread_that_only_a_campaign_is_in(either: World) -> None:
    (contact,) = add_people(either, 1, last_name="Zimmermann", external_id="Z-17")
    send(either, add_campaign(either, Segment(Who.PICKED, contact_ids=(contact,)), body="The pool is open"))
    thread = conversation_with(either, contact)
    for search in ("zimmermann", "Z-17", "pool is open"):
        assert listed(either, f"&q={search}") == [thread]
    agent = either.sign_in("agent")
    assert "The pool is open" in agent.get(f"/messages/conversations/{thread}").text
    assert f"/messages/conversations/{thread}" in agent.get(f"/contacts/{contact}").text
    assert listed(either) == []


def test_writing_to_somebody_whom_only_a_campaign_has_texted_brings_them_into_the_list(
    open_world: World,
) -> None:
    (contact,) = add_people(open_world, 1)
    send(open_world, add_campaign(open_world, Segment(Who.PICKED, contact_ids=(contact,))))
    thread = conversation_with(open_world, contact)
    agent = open_world.sign_in("agent")
    agent.post(f"/messages/conversations/{thread}/send", {"body": "Did you get our text?"})
    assert listed(open_world) == [thread]


def test_a_campaigns_text_that_fails_brings_nobody_into_the_list(open_world: World) -> None:
    (contact,) = add_people(open_world, 1, first_name="")
    send(open_world, add_campaign(open_world, Segment(Who.PICKED, contact_ids=(contact,)), "{first_name}"))
    assert listed(open_world) == []
