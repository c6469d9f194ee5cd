"""How somebody agreed, entered where they are added or opted in: what was said is kept and nothing that was
not, what can't be is refused, and nothing typed is lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db
from tests.records.agreeing import (
    AGREED,
    CHOOSE,
    SINCE,
    add,
    added,
    agreed_at,
    rests,
    rows,
    said,
    stays_typed,
    today,
    toggle,
)
from tests.records.people import IN, OUT, add_number, known, opt, text_at
from tests.world import World, make_world, new_number


def test_who_is_added_by_hand_rests_on_everything_that_was_said(world: World, legacy_world: World) -> None:
    for each in (world, legacy_world):
        contact_id = added(add(each.sign_in("agent"), each, **AGREED))
        (row,) = rows(each, contact_id)
        assert said(row) == AGREED
        assert (row.way, row.user_id, row.user_name) == (Way.ADDED, each.agent_id, "Agent Person")
        assert rests(each, contact_id) == 1


def test_one_click_is_enough_and_none_costs_nothing(world: World) -> None:
    agent = world.sign_in("agent")
    (row,) = rows(world, added(add(agent, world, method="spoken")))
    assert said(row) == dict.fromkeys(AGREED, "") | {"method": "spoken"}
    for nothing in ({}, {"method": ""}, {"method": "", "words": " ", "agreed_on": "", "page_url": ""}):
        contact_id = added(add(agent, world, **nothing))
        assert rows(world, contact_id) == []
        assert world.status(contact_id) == IN


def test_a_known_person_who_joins_a_team_keeps_how_they_agreed(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number)
    assert added(add(world.sign_in("agent"), world, number=number, **AGREED)) == contact_id
    assert [said(row) for row in rows(world, contact_id)] == [AGREED]


def test_what_was_agreed_for_another_number_is_not_kept_for_the_one_texted(world: World) -> None:
    contact_id, other = world.add_contact(), new_number()
    add_number(world, contact_id, other)
    agent = world.sign_in("agent")
    added(add(agent, world, number=other, **AGREED))
    assert "How they agreed was not kept" in agent.get(f"/contacts/{contact_id}").text
    assert (world.status(contact_id), rows(world, contact_id)) == (OUT, [])


def test_whoever_is_in_the_team_already_leaves_the_form_as_it_was_typed(world: World) -> None:
    number = new_number()
    contact_id = known(world)
    with world.session():
        number = db.session.scalars(
            select(OptOutChange.number).where(OptOutChange.contact_id == contact_id)
        ).one()
    stays_typed(add(world.sign_in("agent"), world, number=number, **AGREED), "has this number already")
    assert rows(world, contact_id) == []


BAD = [
    ({"method": ""}, CHOOSE),
    ({"method": "api"}, CHOOSE),
    ({"method": "\x00"}, CHOOSE),
    ({"agreed_on": "the third of March"}, "Enter a date as year-month-day"),
    ({"agreed_on": "1992-12-02"}, "Nobody was texted before Dec 3, 1992"),
    ({"agreed_on": "0001-01-01"}, "Enter a date from the year"),
    ({"page_url": "javascript:alert(1)"}, "Enter the whole address"),
    ({"page_url": "lakeside.example/join"}, "Enter the whole address"),
    ({"page_url": "https:///join"}, "Enter the whole address"),
    ({"page_url": "https://[lakeside"}, "Enter the whole address"),
    ({"page_url": "https://lakeside.example/a b"}, "Enter the whole address"),
    ({"page_url": "https://lakeside.example/" + "x" * 2000}, "Keep it under 2,000 characters."),
    ({"method": "paper"}, "Only a web form has an address."),
    ({"collected_by": "x" * 201}, "Keep it under 200 characters."),
    ({"words": "x" * 4001}, "Keep it under 4,000 characters."),
]


@pytest.mark.parametrize(("bad", "problem"), BAD)
def test_what_can_not_be_is_refused_at_its_field_and_nothing_typed_is_lost(
    world: World, bad: dict[str, str], problem: str
) -> None:
    contact_id, agent = known(world), world.sign_in("agent")
    for answer in (
        add(agent, world, **AGREED | bad),
        agent.post(agreed_at(world, contact_id), AGREED | bad),
    ):
        assert answer.status_code == 422
        assert problem in answer.text
        for name in AGREED.keys() - bad.keys() - {"method"}:
            assert AGREED[name] in answer.text, name
    with world.session():
        assert db.session.scalars(select(Evidence.id)).all() == []


@pytest.mark.parametrize("alone", ["words", "agreed_on", "page_url", "collected_by"])
def test_anything_said_asks_for_the_way(world: World, alone: str) -> None:
    answer = add(world.sign_in("agent"), world, **{alone: AGREED[alone]})
    assert answer.status_code == 422
    assert CHOOSE in answer.text
    assert AGREED[alone] in answer.text


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_to_come_is_one_by_the_calendar_of_the_organization(app: Flask, zone: str) -> None:
    world = make_world(app, "teams", zone)
    agent, day = world.sign_in("agent"), today(world)
    answer = add(agent, world, method="paper", agreed_on=day + timedelta(days=1))
    assert answer.status_code == 422
    assert "This day is still to come." in answer.text
    (row,) = rows(world, added(add(agent, world, method="paper", agreed_on=day)))
    assert row.agreed_on == day


def test_the_toggle_keeps_how_they_agreed_and_its_words_are_the_reason_too(
    world: World, legacy_world: World
) -> None:
    for each in (world, legacy_world):
        contact_id, agent = known(each), each.sign_in("agent")
        opt(each, contact_id, OUT)
        card = AGREED | {"reason": AGREED["words"], "agreed_on": str(today(each))}
        assert toggle(agent, each, contact_id, **card).status_code == 302
        (row,) = rows(each, contact_id)
        assert said(row) == AGREED | {"agreed_on": str(today(each))}
        assert row.way == Way.OPTED_IN
        assert each.history(contact_id)[-1].reason == AGREED["words"]
        assert rests(each, contact_id) == 1


def test_the_toggle_beside_a_conversation_keeps_it_too_with_scripts_and_without(world: World) -> None:
    agent, number = world.sign_in("agent"), new_number()
    received = world.text(number, "Hello")
    path = f"/messages/conversations/{received.conversation_id}/consent"
    contact_id = world.contact_id(number)
    for count, headers in enumerate(({}, {"HX-Request": "true"}), 1):
        agent.post(path, {"status": "opted_out"})
        card = {"status": "opted_in", "method": "spoken"}
        wrong = agent.post(
            path, card | {"agreed_on": "2026-02-30", "reason": "At the desk."}, headers=headers
        )
        assert wrong.status_code == 422
        assert "Enter a date as year-month-day" in wrong.text
        assert "At the desk." in wrong.text
        agent.post(path, card, headers=headers)
        assert [row.method for row in rows(world, contact_id)] == [Method.SPOKEN] * count
        assert world.status(contact_id) == IN


def test_what_they_agreed_to_before_they_opted_out_opts_nobody_in(world: World) -> None:
    contact_id, agent = known(world), world.sign_in("agent")
    opt(world, contact_id, OUT)
    day = today(world)
    before = str(day - timedelta(days=1))
    card = AGREED | {"reason": AGREED["words"], "agreed_on": before}
    stays_typed(answer := toggle(agent, world, contact_id, **card), SINCE)
    assert f"They were opted out on {day:%b} {day.day}, {day.year}." in answer.text
    assert (world.status(contact_id), rows(world, contact_id)) == (OUT, [])
    assert toggle(agent, world, contact_id, **card | {"agreed_on": ""}).status_code == 302
    assert rests(world, contact_id) == 1
    # Nor is it added later on, to the opt in that stands.
    stays_typed(agent.post(agreed_at(world, contact_id), AGREED | {"agreed_on": before}), SINCE)


def test_after_their_own_stop_the_words_are_needed_and_the_way_is_not(world: World) -> None:
    agent, number = world.sign_in("agent"), new_number()
    world.text(number, "Hello")
    world.text(number, "STOP")
    contact_id = world.contact_id(number)
    answer = toggle(agent, world, contact_id, method="spoken", collected_by="Rosa Quill")
    assert answer.status_code == 422
    assert "Write how this person gave consent again" in answer.text
    assert 'value="Rosa Quill"' in answer.text
    assert re.search(r'value="spoken"[^>]*checked|checked[^>]*value="spoken"', answer.text)
    assert toggle(agent, world, contact_id, reason="She called us.").status_code == 302
    assert (world.status(contact_id), rows(world, contact_id)) == (IN, [])
    world.text(number, "STOP")
    assert toggle(agent, world, contact_id, reason="She signed form 9.", method="paper").status_code == 302
    (row,) = rows(world, contact_id)
    assert (row.words, row.method) == ("She signed form 9.", Method.PAPER)
    assert world.history(contact_id)[-1].reason == "She signed form 9."


def test_who_is_added_with_a_number_that_was_stopped_is_opted_in_by_what_they_agreed_to_before(
    world: World,
) -> None:
    """Their number's stop is not theirs: what they signed last week counts."""
    agent, number = world.sign_in("agent"), new_number()
    world.text(number, "Hello")
    world.text(number, "STOP")
    text_at(world, world.contact_id(number), new_number())
    contact_id = added(add(agent, world, number=number, method="paper"))
    assert world.status(contact_id) == OUT
    last_week = str(today(world) - timedelta(days=7))
    card = {"method": "paper", "reason": "She signed form 12.", "agreed_on": last_week}
    assert toggle(agent, world, contact_id, **card).status_code == 302
    assert world.status(contact_id) == IN
    assert rests(world, contact_id) == 1


def test_who_stopped_every_team_has_agreed_since_or_not_at_all(world: World) -> None:
    agent, number = world.sign_in("agent"), new_number()
    world.text(number, "Hello", inbox=world.other_shared)
    world.text(number, "STOPALL", inbox=world.other_shared)
    contact_id = added(add(agent, world, number=number))
    before = str(today(world) - timedelta(days=1))
    answer = toggle(agent, world, contact_id, method="paper", reason="Form 3.", agreed_on=before)
    assert answer.status_code == 422
    assert SINCE in answer.text


def test_the_form_is_one_to_read_aloud(world: World) -> None:
    """Legend, no choice made, and each fault tied to its control; a page with two cards has no id twice."""
    contact_id, agent = known(world), world.sign_in("agent")
    opt(world, contact_id, OUT)
    admin = world.sign_in("admin")
    opt(world, contact_id, OUT, world.other_team_id)
    page = admin.get(f"/contacts/{contact_id}").text
    assert page.count("How they agreed <span") == 2
    assert "checked" not in "".join(re.findall(r"<input[^>]*type=\"radio\"[^>]*>", page))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert sorted(set(ids)) == sorted(ids)
    wrong = add(agent, world, agreed_on="2999-01-01").text
    for name in ("method", "agreed_on"):
        assert f'id="{name}-error"' in wrong
        assert re.search(rf'aria-describedby="[^"]*\b{name}-error', wrong)
