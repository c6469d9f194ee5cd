"""The record on screen: tags, fields, names and numbers, who may do what, and what happens to bad input."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from cadence_app.contacts.models import Contact, CustomField, FieldKind, Tag
from cadence_app.extensions import db
from tests.records.people import IN, OUT, add_number, current_numbers, known, opt
from tests.world import World, new_number


def test_tags_are_added_and_removed_and_found(world: World) -> None:
    contact_id, agent = known(world, first_name="Tagged"), world.sign_in("agent")
    agent.post(f"/contacts/{contact_id}/tags", {"tag": "  First   generation "})
    agent.post(f"/contacts/{contact_id}/tags", {"tag": "first Generation"})
    with world.session():
        (tag,) = db.session.scalars(select(Tag)).all()
        assert tag.name == "First generation"
    for address in ("/contacts/?q=FIRST GENERATION", f"/contacts/?tag={tag.id}"):
        assert "Tagged" in agent.get(address).text
    assert "Tagged" not in agent.get("/contacts/?q=first gen").text
    agent.post(f"/contacts/{contact_id}/tags/{tag.id}/remove")
    assert "Tagged" not in agent.get(f"/contacts/?tag={tag.id}").text


@pytest.mark.parametrize("typed", ["", "  ", "\x00", "x" * 61])
def test_a_tag_that_is_none_is_refused_at_its_field(world: World, typed: str) -> None:
    contact_id = known(world)
    answer = world.sign_in("agent").post(f"/contacts/{contact_id}/tags", {"tag": typed})
    assert answer.status_code == 422
    assert 'id="tag-error"' in answer.text


def test_own_fields_are_checked_by_kind_and_stored_plainly(world: World) -> None:
    contact_id, agent = known(world), world.sign_in("agent")
    kinds = (FieldKind.TEXT, FieldKind.NUMBER, FieldKind.DATE)
    with world.session():
        fields = [CustomField(tenant_id=world.tenant_id, name=f"Field {kind}", kind=kind) for kind in kinds]
        db.session.add_all(fields)
        db.session.commit()
        major, average, visit = (f"custom_{field.id}" for field in fields)
    form = {"first_name": "Maya", "last_name": "Chen", "external_id": "", major: "Art"}
    for bad in ({average: "many"}, {average: "NaN"}, {average: "1e999999999"}, {visit: "31/31/31"}):
        answer = agent.post(f"/contacts/{contact_id}/edit", form | bad)
        assert answer.status_code == 422
        assert "field-error" in answer.text
    agent.post(f"/contacts/{contact_id}/edit", form | {average: "1,003.50", visit: "2026-11-24"})
    with world.session():
        stored = db.session.get_one(Contact, contact_id).custom
    assert sorted(stored.values()) == ["1003.50", "2026-11-24", "Art"]
    page = agent.get(f"/contacts/{contact_id}/edit").text
    assert 'value="2026-11-24"' in page


def test_an_unknown_contact_is_named_on_the_record_and_beside_the_conversation(world: World) -> None:
    agent = world.sign_in("agent")
    received = world.text(new_number(), "Hello")
    contact_id = world.contact_id_of(received.conversation_id)
    assert "Who is this?" in agent.get(f"/contacts/{contact_id}").text
    assert "Add a name" in agent.get(f"/messages/conversations/{received.conversation_id}").text
    form = {"first_name": "Zoë", "last_name": "", "external_id": "", "conversation": received.conversation_id}
    answer = agent.post(f"/contacts/{contact_id}/name", form)
    assert answer.location == f"/messages/conversations/{received.conversation_id}"
    assert "Who is this?" not in agent.get(f"/contacts/{contact_id}").text


def test_a_number_is_changed_with_a_reason_and_the_rule_is_on_the_screen(world: World) -> None:
    contact_id, agent, number = known(world), world.sign_in("agent"), new_number()
    assert "Consent does not go along with a number" in agent.get(f"/contacts/{contact_id}/numbers").text
    form = {"number": number, "use": "texted", "given": ""}
    for bad in ({"reason": ""}, {"reason": "x", "number": "12"}, {"reason": "x", "use": "y"}):
        assert agent.post(f"/contacts/{contact_id}/numbers", form | bad).status_code == 422
    assert agent.post(f"/contacts/{contact_id}/numbers", form | {"reason": "By phone."}).status_code == 302
    assert current_numbers(world, contact_id) == {number}
    assert world.status(contact_id) == OUT
    assert "tel:" not in agent.get(f"/contacts/?q={number[-7:]}").text


def test_a_contact_is_found_by_any_current_number(world: World) -> None:
    contact_id, other = known(world, first_name="Findme"), new_number()
    add_number(world, contact_id, other)
    assert "Findme" in world.sign_in("agent").get(f"/contacts/?q={other[2:]}").text


def test_a_further_number_ends_at_once_and_the_texted_one_does_not(world: World) -> None:
    contact_id, other, agent = known(world), new_number(), world.sign_in("agent")
    add_number(world, contact_id, other)
    page = agent.get(f"/contacts/{contact_id}/numbers").text
    (end,) = re.findall(r'action="([^"]+/end)"', page)
    assert agent.post(end).status_code == 302
    assert other not in current_numbers(world, contact_id)
    assert agent.post(end).status_code == 404


AGENTS = ("", "/edit", "/numbers")

ADMINS = ("/merge", "/merge/{other}", "/erase")

POSTS = {
    "/tags": True,
    "/tags/1/remove": True,
    "/name": True,
    "/numbers": True,
    "/numbers/1/end": True,
    "/merge/{other}": False,
    "/erase": False,
    "/data": False,
}


def test_who_may_open_and_do_what(world: World, legacy_world: World) -> None:
    contact_id, other = known(world), known(world)

    def at(path: str) -> str:
        return f"/contacts/{contact_id}{path.format(other=other)}"

    agent, admin, theirs = world.sign_in("agent"), world.sign_in("admin"), legacy_world.sign_in("admin")
    for path in (*AGENTS, *ADMINS):
        assert world.app.test_client().get(at(path)).location.startswith("/login"), path
        assert admin.get(at(path)).status_code == 200, path
        assert agent.get(at(path)).status_code == (200 if path in AGENTS else 403), path
        assert theirs.get(at(path)).status_code == 404, path
    for path, for_agents in POSTS.items():
        assert (agent.post(at(path)).status_code == 403) != for_agents, path
        assert theirs.post(at(path), {"reason": "x"}).status_code == 404, path
        assert agent.client.post(at(path)).status_code == 400, f"{path} without a token"


def test_an_agent_of_another_team_finds_nothing(world: World) -> None:
    contact_id = world.add_contact()
    opt(world, contact_id, IN, world.other_team_id)
    agent = world.sign_in("agent")
    for path in AGENTS:
        assert agent.get(f"/contacts/{contact_id}{path}").status_code == 404
    for path in ("/tags", "/name", "/numbers"):
        assert agent.post(f"/contacts/{contact_id}{path}").status_code == 404


def test_an_id_no_database_could_hold_is_not_found(world: World) -> None:
    admin = world.sign_in("admin")
    for path in ("", "/edit", "/numbers", "/merge", "/erase"):
        assert admin.get(f"/contacts/{10**30}{path}").status_code == 404
