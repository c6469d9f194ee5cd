"""How somebody agreed, entered with a changed number and for who is opted in already, and all at once."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from cadence_app.accounts.models import Team, User
from cadence_app.consent import evidence_by_user
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Method, Way
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
    today,
    toggle,
)
from tests.records.people import IN, OUT, current_numbers, known, opt
from tests.world import World, new_number


def number_form(**more: Any) -> dict[str, Any]:
    return {"number": new_number(), "use": "texted", "reason": "They called."} | more


def test_a_changed_number_keeps_how_they_agreed_to_texts_at_it(world: World, legacy_world: World) -> None:
    for each in (world, legacy_world):
        contact_id, agent, day = known(each), each.sign_in("agent"), today(each) - timedelta(days=2)
        form = number_form(
            given="She wrote to us.", method="spoken", agreed_on=day, collected_by="Rosa Quill"
        )
        assert agent.post(f"/contacts/{contact_id}/numbers", form).status_code == 302
        (row,) = rows(each, contact_id)
        assert (row.way, row.words, row.agreed_on) == (Way.NUMBER_CHANGE, "She wrote to us.", day)
        assert (row.number, row.collected_by) == (form["number"], "Rosa Quill")
        assert each.history(contact_id)[-1].reason == "She wrote to us."
        assert rests(each, contact_id) == 1


def test_a_changed_number_rests_on_nothing_that_was_recorded_for_the_one_before(world: World) -> None:
    agent = world.sign_in("agent")
    contact_id = added(add(agent, world, **AGREED))
    assert rests(world, contact_id) == 1
    agent.post(f"/contacts/{contact_id}/numbers", number_form(given="She wrote to us."))
    assert (world.status(contact_id), rests(world, contact_id)) == (IN, 0)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"method": "paper"}, "Write how they agreed to texts at this number."),
        ({"given": "Form 2.", "agreed_on": "2026-03-03"}, CHOOSE),
        ({"given": "Form 2.", "method": "paper", "agreed_on": "2026-13-03"}, "Enter a date"),
        ({"given": "Form 2.", "method": "paper", "use": "further"}, "Nothing is sent to a further number."),
        ({"given": "x" * 1001}, "Keep it under 1,000 characters."),
    ],
)
def test_what_is_wrong_of_a_changed_number_changes_nothing_and_stays_typed(
    world: World, wrong: dict[str, str], problem: str
) -> None:
    contact_id, agent = known(world), world.sign_in("agent")
    before = current_numbers(world, contact_id)
    answer = agent.post(f"/contacts/{contact_id}/numbers", number_form(collected_by="Rosa Quill") | wrong)
    assert answer.status_code == 422
    assert problem in answer.text
    assert 'value="Rosa Quill"' in answer.text
    assert wrong.get("given", "") in answer.text
    assert current_numbers(world, contact_id) == before
    assert (world.status(contact_id), rows(world, contact_id)) == (IN, [])


def test_a_changed_number_takes_no_agreement_from_before_an_opt_out(world: World) -> None:
    contact_id, agent = known(world), world.sign_in("agent")
    opt(world, contact_id, OUT)
    opt(world, contact_id, IN)
    before = current_numbers(world, contact_id)
    form = number_form(given="Form 2.", method="paper", agreed_on=today(world) - timedelta(days=1))
    answer = agent.post(f"/contacts/{contact_id}/numbers", form)
    assert answer.status_code == 422
    assert SINCE in answer.text
    assert current_numbers(world, contact_id) == before


def test_whoever_changes_a_number_is_told_where_how_they_agreed_is_not_kept(world: World) -> None:
    contact_id, agent = known(world), world.sign_in("agent")
    form = number_form(given="Form 2.", method="paper")
    path = f"/contacts/{contact_id}/numbers"
    agent.post(path, form)
    assert agent.post(path, form).location == f"/contacts/{contact_id}"
    assert "texted at this number already, so nothing changed" in agent.get(f"/contacts/{contact_id}").text
    assert len(rows(world, contact_id)) == 1
    opt(world, contact_id, OUT)
    agent.post(path, form | {"number": new_number()})
    assert "They stay opted out, so how they agreed was not kept" in agent.get(f"/contacts/{contact_id}").text
    assert len(rows(world, contact_id)) == 1


def test_who_is_opted_in_already_gets_how_they_agreed_from_the_card_and_once(world: World) -> None:
    agent, received = world.sign_in("agent"), world.text(new_number(), "Hello")
    contact_id = world.contact_id_of(received.conversation_id)
    path, talk = agreed_at(world, contact_id), f"/messages/conversations/{received.conversation_id}"
    assert f'href="{path}"' in agent.get(f"/contacts/{contact_id}").text
    assert f'href="{path}?conversation={received.conversation_id}"' in agent.get(talk).text
    assert agent.get(path).status_code == 200
    back = f"{path}?conversation={received.conversation_id}"
    assert agent.post(back, AGREED).location == f"{talk}?pane=card"
    assert agent.post(path, AGREED).location == f"/contacts/{contact_id}"
    (row,) = rows(world, contact_id)
    assert (said(row), row.way) == (AGREED, Way.RECORD)
    # Another thing that says so is another row.
    agent.post(path, AGREED | {"method": "paper", "page_url": ""})
    assert rests(world, contact_id) == 2


def test_nothing_is_added_without_a_way_or_for_who_is_opted_out(world: World) -> None:
    contact_id, agent = known(world), world.sign_in("agent")
    path = agreed_at(world, contact_id)
    answer = agent.post(path, {})
    assert (answer.status_code, CHOOSE in answer.text) == (422, True)
    opt(world, contact_id, OUT)
    assert "there is nothing to add to" in agent.get(path).text
    late = agent.post(path, AGREED | {"agreed_on": ""})
    assert late.status_code == 409
    assert "this was not kept" in late.text
    assert AGREED["words"] in late.text
    assert f'href="{path}"' not in agent.get(f"/contacts/{contact_id}").text
    assert rows(world, contact_id) == []


def test_only_who_works_with_them_may_add_how_they_agreed(world: World, legacy_world: World) -> None:
    contact_id = known(world)
    opt(world, contact_id, IN, world.other_team_id)
    path, other = agreed_at(world, contact_id), agreed_at(world, contact_id, world.other_team_id)
    agent, admin, foreign = world.sign_in("agent"), world.sign_in("admin"), legacy_world.sign_in("admin")
    for browser, address, expected in (
        (agent, other, 404),
        (foreign, path, 404),
        (agent, agreed_at(world, contact_id, 2**40), 404),
        (admin, agreed_at(world, contact_id, legacy_world.team_id), 404),
        (admin, agreed_at(world, 2**40), 404),
        (admin, other, 302),
    ):
        assert browser.get(address).status_code == (404 if expected == 404 else 200), address
        assert browser.post(address, AGREED).status_code == expected, address
    assert [row.team_id for row in rows(world, contact_id)] == [world.other_team_id]


def test_an_admin_adds_it_for_a_team_they_are_not_in(world: World) -> None:
    contact_id = known(world)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        admin.teams.remove(db.session.get_one(Team, world.team_id))
        db.session.commit()
    assert world.sign_in("admin").post(agreed_at(world, contact_id), AGREED).location == "/contacts/"
    assert len(rows(world, contact_id)) == 1


def test_of_two_who_opt_in_at_once_one_does_and_the_other_is_told(world: World) -> None:
    contact_id = known(world)
    opt(world, contact_id, OUT)
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    assert toggle(agent, world, contact_id, method="paper").status_code == 302
    late = toggle(admin, world, contact_id, method="spoken", collected_by="Rosa Quill")
    assert late.status_code == 422
    assert "They were opted in meanwhile, so how they agreed was not kept." in late.text
    assert "Add how they agreed" in late.text
    # A form that was sent twice is no news.
    assert toggle(agent, world, contact_id, method="paper").status_code == 302
    assert [row.method for row in rows(world, contact_id)] == [Method.PAPER]


def test_the_same_that_comes_at_once_is_one_row(world: World) -> None:
    contact_id, start, kept = known(world), Barrier(4), []

    def enter() -> None:
        with world.session():
            user = db.session.get_one(User, world.agent_id)
            start.wait(10)
            given = Given(Method.PAPER, words="Form 7")
            kept.append(evidence_by_user.add(user, contact_id, world.team_id, given))
            db.session.commit()

    threads = [Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(kept) == [False, False, False, True]
    assert len(rows(world, contact_id)) == 1


def test_a_stop_that_comes_first_leaves_nothing_to_rest_on(world: World) -> None:
    contact_id = known(world)
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        assert evidence_by_user.add(user, contact_id, world.team_id, Given(Method.PAPER))
        db.session.commit()
    opt(world, contact_id, OUT)
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        with pytest.raises(evidence_by_user.NotOptedIn):
            evidence_by_user.add(user, contact_id, world.team_id, Given(Method.PAPER, words="Form 8"))
    assert rests(world, contact_id) == 0
