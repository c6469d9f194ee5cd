"""The rules of consent, by what a phone sends and an inbox does."""

from __future__ import annotations

import threading

import pytest

from cadence_app.accounts.models import Team, User
from cadence_app.consent import by_user
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.messaging.inbound import UnknownInbox
from tests.messaging.words import opt_out_by_hand, replies
from tests.world import World, new_number


def test_a_first_text_from_an_unknown_number_opts_in(world: World) -> None:
    number = new_number()
    received = world.text(number, "Is the library open?")
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source, row.number, row.team_code) == ("opted_in", "cold_inbound", number, "ADM")
    assert (row.first_name, row.external_id, row.words) == ("", "", "Is the library open?")
    assert replies(world, received.conversation_id) == []


def test_a_first_text_that_is_an_opt_out_word_is_one_opted_out_row(world: World) -> None:
    number = new_number()
    received = world.text(number, "Stop.")
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source) == ("opted_out", "keyword")
    assert replies(world, received.conversation_id) == [("opt_out_reply", "delivered")]


def test_stop_sends_one_confirmation_that_names_the_organisation_and_then_nothing(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    received = world.text(number, "STOP")
    world.text(number, "STOP")
    world.text(number, "HELP")
    replies = [m for m in world.messages(received.conversation_id) if m.direction == "outbound"]
    assert [(m.kind, m.state) for m in replies] == [
        ("opt_out_reply", "delivered"),
        ("help_reply", "suppressed"),
    ]
    assert world.name in replies[0].body
    assert "opted out" in replies[1].detail


def test_start_and_yes_opt_an_opted_out_contact_in_and_welcome_them_once(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    world.text(number, "yes")
    world.text(number, "STOP")
    received = world.text(number, "Start!")
    world.text(number, "START")
    contact_id = world.contact_id(number)
    assert [row.status for row in world.history(contact_id)] == [
        *("opted_out", "opted_in", "opted_out", "opted_in")
    ]
    assert replies(world, received.conversation_id).count(("opt_in_reply", "delivered")) == 2


def test_yes_from_an_opted_in_contact_is_an_ordinary_text(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    received = world.text(number, "YES")
    assert len(world.history(world.contact_id(number))) == 1
    assert replies(world, received.conversation_id) == []


def test_the_same_provider_message_id_twice_is_one_message(world: World) -> None:
    number = new_number()
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(world.text(number, "STOP", message_id="abc")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(o.duplicate for o in outcomes) == [False] + [True] * 7
    messages = world.messages(outcomes[0].conversation_id)
    assert [m.kind for m in messages] == ["person", "opt_out_reply"]
    assert len(world.history(world.contact_id(number))) == 1


def test_a_text_to_a_number_nobody_has_is_refused(world: World) -> None:
    with pytest.raises(UnknownInbox):
        world.text(new_number(), "hi", inbox=new_number())


def test_after_a_keyword_an_opt_in_by_a_user_takes_a_reason_and_after_a_toggle_it_does_not(
    world: World,
) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)

    def toggle(status: Status, reason: str = "") -> None:
        with world.session():
            agent = db.session.get_one(User, world.agent_id)
            by_user.set_by_user(agent, contact_id, world.team_id, status, reason)
            db.session.commit()

    toggle(Status.OPTED_OUT)
    toggle(Status.OPTED_IN)
    world.text(number, "STOP")
    with pytest.raises(by_user.ReasonRequired):
        toggle(Status.OPTED_IN, "  ")
    toggle(Status.OPTED_IN, "Signed the form at the desk.")
    last = world.history(contact_id)[-1]
    assert (last.source, last.reason, last.user_name) == (
        "toggle",
        "Signed the form at the desk.",
        "Agent Person",
    )


def test_a_stop_after_a_manual_opt_out_makes_a_reason_necessary_without_another_row(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    opt_out_by_hand(world, contact_id)
    world.text(number, "STOP")
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        with pytest.raises(by_user.ReasonRequired):
            by_user.set_by_user(agent, contact_id, world.team_id, Status.OPTED_IN)
    assert len(world.history(contact_id)) == 2


def test_a_team_may_word_its_own_answers(world: World) -> None:
    with world.session():
        db.session.get_one(Team, world.team_id).opt_out_text = "Bye from Admissions."
        db.session.commit()
    received = world.text(new_number(), "STOP")
    assert world.messages(received.conversation_id)[-1].body == "Bye from Admissions."


def test_the_first_own_stop_is_confirmed_though_a_user_was_first_and_a_second_one_is_not(
    world: World,
) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    opt_out_by_hand(world, contact_id)
    world.text(number, "STOP")
    again = world.text(number, "STOP")
    messages = world.messages(again.conversation_id)
    assert [m.state for m in messages if m.kind == "opt_out_reply"] == ["delivered"]
    assert "No confirmation" in messages[-1].detail
