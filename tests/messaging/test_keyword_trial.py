"""What the page of keywords says of a text, against what the one way in does with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, Team, Tenant, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import standing
from cadence_app.consent.keyword_scope import policy_of
from cadence_app.consent.models import NumberStop, Status
from cadence_app.consent.text_effects import First, OptIn, OptOut
from cadence_app.extensions import db
from cadence_app.messaging.keyword_trial import Outcome, arrival_of, outcome_of, try_text
from cadence_app.messaging.models import Message
from tests import sizes
from tests.records.people import text_at
from tests.world import World, make_world, new_number

# What somebody and a user may have done before, each a way to stand: the inbox and the text, or the toggle.
PAST = {
    "writes": ("shared", "hello"),
    "writes to the other team": ("other_shared", "hello"),
    "stops": ("shared", "STOP"),
    "stops all": ("other_shared", "STOPALL"),
    "stops personal inboxes": ("personal", "STOP"),
    "starts": ("shared", "START"),
    "is flagged": ("shared", "please stop texting me"),
    "is opted out": ("", "opted_out"),
    "is opted in": ("", "opted_in"),
}
TEXTS = [
    *("STOP", "Stop.", "stopall", "START", "unstop", "yes", "help", "hello", "take me off this list"),
    *("STOP adm", "aid, stop", "STOP AID and ADM", "stop 73811"),
]


@pytest.fixture(scope="module")
def place(app: Flask) -> World:
    return make_world(app, "teams")


def choose(world: World, everywhere: bool, asks: bool, words_opt_out: bool) -> None:
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.keyword_policy = KeywordPolicy.ORGANISATION if everywhere else KeywordPolicy.TEAM
        tenant.ask_team_only = asks
        chosen = PossibleOptOutPolicy.OPT_OUT if words_opt_out else PossibleOptOutPolicy.HOLD
        tenant.possible_opt_out_policy = chosen
        db.session.commit()


def live(world: World, number: str, contact_id: int, event: str) -> None:
    inbox, said = PAST[event]
    if inbox:
        world.text(number, said, getattr(world, inbox))
        return
    with world.session():
        if consent.consent_of(contact_id, world.team_id):
            admin = db.session.get_one(User, world.admin_id)
            consent.set_by_user(admin, contact_id, world.team_id, Status(said), "Asked at the desk.")
        db.session.commit()


def said_of(world: World, contact_id: int, number: str, text: str, personal: bool) -> Outcome:
    with world.session():
        team = db.session.get_one(Team, world.team_id)
        stored = standing.read(contact_id, number)
        arrival = replace(arrival_of(team, text, personal), number=number)
        return outcome_of(team, stored, arrival, policy_of(team.tenant, stored.at))


def status_after(outcome: Outcome, before: str | None, team_id: int, texted: int) -> str | None:
    for effect in outcome.decided.effects:
        match effect:
            case OptOut(team_ids) if team_id in team_ids:
                before = Status.OPTED_OUT
            case OptIn() if team_id == texted:
                before = Status.OPTED_IN
            case First(status) if team_id == texted:
                before = status
    return before


@pytest.mark.sized
@settings(max_examples=sizes.size(6, 100), deadline=None)
@given(
    past=st.lists(st.sampled_from(sorted(PAST)), max_size=3),
    barred=st.booleans(),
    text=st.sampled_from(TEXTS),
    personal=st.booleans(),
    chosen=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_what_is_said_is_what_a_text_of_somebody_who_stands_so_does(
    place: World,
    past: list[str],
    barred: bool,
    text: str,
    personal: bool,
    chosen: tuple[bool, bool, bool],
) -> None:
    """The status in both teams and the answer, whatever they had said before, whoever had the number."""
    number = new_number()
    if barred:
        stop_and_leave(place, number)
    contact_id = place.add_contact(number)
    for event in past:
        live(place, number, contact_id, event)
    choose(place, *chosen)
    said = said_of(place, contact_id, number, text, personal)
    teams = (place.team_id, place.other_team_id)
    expected = [status_after(said, place.status(contact_id, each), each, place.team_id) for each in teams]

    received = place.text(number, text, place.personal if personal else place.shared)
    choose(place, everywhere=False, asks=False, words_opt_out=False)

    assert [place.status(contact_id, each) for each in teams] == expected
    out_here = place.status(contact_id) == Status.OPTED_OUT
    assert said.decided.opted_out == out_here
    answers = [m.body for m in place.messages(received.conversation_id) if m.id == received.reply_id]
    assert answers == ([said.answer] if said.answer else [])


def stop_and_leave(world: World, number: str) -> None:
    """Somebody stops the team and gives their number up."""
    world.text(number, "STOP")
    with world.session():
        row = db.session.scalars(select(NumberStop).order_by(NumberStop.id.desc()).limit(1)).one()
        row.said_at -= timedelta(days=1)
        db.session.commit()
    text_at(world, world.contact_id(number), new_number())


def test_start_from_somebody_opted_in_says_what_it_lifts(world: World) -> None:
    with world.session():
        team = db.session.get_one(Team, world.team_id)
        said = try_text(team, "START", opted_out=False, personal=True)
        assert said.title == "Ends what an earlier stop left"
        assert "opted in already" in said.why
        assert (said.answer, said.decided.opted_out) == ("", False)
        assert said.effects == [
            "If the phone had stopped Admissions or the whole organization, that ends, for whoever has the "
            "number next too.",
            "If they were kept out of teams they join later, that ends.",
            "Personal inboxes may text them again.",
        ]
        shared = try_text(team, "START", opted_out=True, personal=False)
        assert (shared.title, shared.effects[-1]) == ("Opts in", "Opted in to Admissions.")
        assert "Personal inboxes may text them again." not in shared.effects


def test_words_of_who_is_out_already_are_said_to_be_a_stop(world: World) -> None:
    with world.session():
        team = db.session.get_one(Team, world.team_id)
        said = try_text(team, "please stop texting me", opted_out=True, personal=False)
    assert said.title == "Nothing changes"
    assert "opted out already" in said.why
    assert said.effects == [
        "It is a stop of Admissions by their own words: a user opts them in only with a reason."
    ]


def test_who_stopped_by_a_text_is_said_to_be_confirmed_only_where_it_changes_something(world: World) -> None:
    with world.session():
        team = db.session.get_one(Team, world.team_id)
        twice = "Who stopped by a text before gets another confirmation only if this changes something."
        assert twice in try_text(team, "STOP", opted_out=True, personal=False).effects
        assert twice not in try_text(team, "STOP", opted_out=False, personal=False).effects


def test_a_text_that_is_tried_stores_nothing(world: World) -> None:
    with world.session():
        team = db.session.get_one(Team, world.team_id)
        for text in TEXTS:
            for opted_out in (False, True):
                try_text(team, text, opted_out, personal=True)
        assert not db.session.dirty
        assert db.session.scalars(select(Message.id)).all() == []
        assert db.session.scalars(select(NumberStop.id)).all() == []
