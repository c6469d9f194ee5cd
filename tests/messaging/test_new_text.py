"""Writing first: to whom, from which inbox, and what is left of it when it may not go."""

from __future__ import annotations

import pytest
from sqlalchemy import func, update

from cadence_app.accounts.models import TeamMember
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from tests.messaging.writing_first import HTMX, conversations_of, counts, inbox_id, options_of, person, post
from tests.records.people import IN, opt
from tests.world import World, new_number


def test_a_person_is_found_by_name_number_or_contact_id_as_one_types(world: World) -> None:
    number = new_number()
    person(world, number, first_name="Ines", last_name="Okafor", external_id="S-4711")
    person(world, first_name="Pat", last_name="Reyes")
    agent = world.sign_in("agent")
    for typed in ("ine", "okafor", "s-47", number[-7:]):
        page = agent.get("/messages/new/people", query_string={"who": typed}, headers=HTMX).text
        assert "Ines Okafor" in page
        assert "Pat Reyes" not in page
        assert "Opted in" in page


def test_enter_chooses_the_only_one_and_asks_among_several(world: World) -> None:
    one = person(world, first_name="Ines", last_name="Okafor")
    for _ in range(2):
        person(world, first_name="Sam", last_name="Lee")
    exact = person(world, first_name="Sam", last_name="Leeds")
    agent = world.sign_in("agent")
    assert f"to={one}" in (agent.get("/messages/new?who=ines").location or "")
    several = agent.get("/messages/new?who=sam")
    assert several.status_code == 200
    assert several.text.count('class="person-name"><bdi>Sam') == 3
    # Whoever has exactly this name.
    assert f"to={exact}" in (agent.get("/messages/new?who=sam+leeds").location or "")
    nobody = agent.get("/messages/new?who=zzyx")
    assert "Nobody in your teams has “zzyx”" in nobody.text


def test_a_number_that_nobody_has_leads_to_adding_them(world: World) -> None:
    number = new_number()
    agent = world.sign_in("agent")
    spelled = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    answer = agent.get("/messages/new", query_string={"who": spelled})
    assert answer.status_code == 302
    page = agent.get(answer.location)
    assert f'value="{number}"' in page.text
    assert "opted in. Text only people who agreed" in page.text
    assert "too few or too many digits" in agent.get("/messages/new?who=212+555").text


def test_a_local_number_is_offered_with_the_area_code_of_the_teams(world: World) -> None:
    agent = world.sign_in("agent")
    page = agent.get("/messages/new?who=555-0123").text
    assert f"%2B1{world.shared[2:5]}5550123" in page


def test_who_is_in_another_team_only_is_not_found(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number, first_name="Hidden", last_name="Person")
    opt(world, contact_id, IN, world.other_team_id)
    agent = world.sign_in("agent")
    assert "Hidden" not in agent.get("/messages/new/people?who=hidden", headers=HTMX).text
    assert "Hidden" not in agent.get("/messages/new/people", query_string={"who": number}, headers=HTMX).text
    assert agent.get(f"/messages/new?to={contact_id}").status_code == 404
    assert post(agent, to=contact_id, body="Hi", **{"from": inbox_id(world, world.shared)}).status_code == 404


def test_another_organisations_ids_are_not_found(world: World, legacy_world: World) -> None:
    theirs, ours = person(legacy_world), person(world)
    agent = world.sign_in("agent")
    foreign_inbox = inbox_id(legacy_world, legacy_world.shared)
    assert agent.get(f"/messages/new?to={theirs}").status_code == 404
    assert agent.get(f"/messages/new?to={ours}&from={foreign_inbox}").status_code == 404
    for data in ({"to": theirs, "from": inbox_id(world, world.shared)}, {"to": ours, "from": foreign_inbox}):
        assert post(agent, body="Hi", **data).status_code == 404
    for wrong in ("x", "-1", str(2**64), "\x00"):
        assert post(agent, body="Hi", to=wrong).status_code == 404


def test_only_open_inboxes_that_the_user_works_in_are_offered(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    offered = options_of(agent.get(f"/messages/new?to={contact_id}").text)
    assert {each.strip("*") for each in offered} == {"Front desk", "Toll-free", "Agent"}
    with world.session():
        db.session.execute(update(Inbox).where(Inbox.number == world.toll_free).values(closed_at=func.now()))
        db.session.commit()
    offered = options_of(agent.get(f"/messages/new?to={contact_id}").text)
    assert {each.strip("*") for each in offered} == {"Front desk", "Agent"}
    closed = post(agent, to=contact_id, body="Hi there", **{"from": inbox_id(world, world.toll_free)})
    assert closed.status_code == 422
    assert "This inbox was closed meanwhile" in closed.text
    assert "Hi there" in closed.text
    assert conversations_of(world, contact_id) == []


def test_a_colleagues_personal_inbox_is_nobody_elses(world: World) -> None:
    contact_id = person(world)
    admin = world.sign_in("admin")
    assert "Agent" not in " ".join(options_of(admin.get(f"/messages/new?to={contact_id}").text))
    answer = post(admin, to=contact_id, body="Hi", **{"from": inbox_id(world, world.personal)})
    assert answer.status_code == 404
    assert counts(world)[1] == 0


def test_the_inbox_that_was_written_from_last_comes_first_and_the_one_they_know_before_it(
    world: World,
) -> None:
    first, second = person(world), person(world)
    agent = world.sign_in("agent")
    post(agent, to=first, body="Hi", **{"from": inbox_id(world, world.toll_free)})
    assert options_of(agent.get(f"/messages/new?to={second}").text)[0] == "*Toll-free"
    post(agent, to=second, body="Hi", **{"from": inbox_id(world, world.personal)})
    page = agent.get(f"/messages/new?to={first}&pick=1").text
    assert options_of(page)[:2] == ["*Toll-free", "Agent"]
    # The list that stands beside says where one works now.
    third = person(world)
    shared = inbox_id(world, world.shared)
    assert "*Front desk" in options_of(agent.get(f"/messages/new?to={third}&inbox={shared}").text)


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_who_is_in_no_team_is_told_so(mode: str, world: World, legacy_world: World) -> None:
    here = world if mode == "teams" else legacy_world
    with here.session():
        db.session.query(TeamMember).filter(TeamMember.user_id == here.agent_id).delete()
        db.session.commit()
    agent = here.sign_in("agent")
    page = agent.get("/messages/new")
    assert "No inbox to text from" in page.text
    assert f"You are in no {'team' if mode == 'teams' else 'department'} that has an open inbox" in page.text
    assert post(agent, number=new_number(), body="Hi").status_code == 422


def test_the_desk_the_record_and_the_list_of_contacts_lead_there(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    assert 'id="new-text-link" href="/messages/new' in agent.get("/messages/").text
    for path in (f"/contacts/{contact_id}", "/contacts/"):
        assert f'href="/messages/new?to={contact_id}"' in agent.get(path).text
    assert "<kbd>c</kbd>" in agent.get("/messages/").text
