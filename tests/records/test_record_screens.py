"""The record on screen: who sees what of it, who may do what, and what happens to bad input."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry, User
from cadence_app.contacts.models import Contact, CustomField, FieldKind, Tag
from cadence_app.extensions import db
from cadence_app.records.timeline import Cursor, Only, timeline
from tests.records.people import IN, OUT, add_number, current_numbers, merge, opt
from tests.world import World, new_number


def known(world: World, **names: str) -> int:
    contact_id = world.add_contact(**names)
    opt(world, contact_id, IN)
    return contact_id


def test_the_timeline_mixes_texts_and_changes_by_time_newest_first(world: World) -> None:
    number = new_number()
    world.text(number, "Hello there")
    contact_id = world.contact_id(number)
    world.text(number, "STOP")
    page = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    part = page[page.index('class="timeline"') :]
    places = [part.index(words) for words in ("Automatic answer", "Opted out", "Hello there", "Number added")]
    assert places == sorted(places)
    assert "<q><bdi>STOP</bdi></q>" in part
    texts = world.sign_in("agent").get(f"/contacts/{contact_id}?only=texts").text
    assert "Hello there" in texts
    assert "Number added" not in texts[texts.index('class="timeline"') :]


def test_words_to_a_colleagues_personal_inbox_are_quoted_only_to_its_owner(world: World) -> None:
    number = new_number()
    world.text(number, "Only for your eyes: stop texting me", inbox=world.personal)
    contact_id = world.contact_id(number)
    for role, sees in (("agent", True), ("admin", False)):
        page = world.sign_in(role).get(f"/contacts/{contact_id}").text
        part = page[page.index('class="timeline"') : page.index('class="record-rest"')]
        assert ("Only for your eyes" in part) == sees
        assert ("The words were sent to a personal inbox." in part) != sees


def test_what_belongs_to_other_teams_is_not_shown(world: World) -> None:
    number = new_number()
    world.text(number, "Hello")
    world.text(number, "A word to Aid", inbox=world.other_shared)
    contact_id = world.contact_id(number)
    opt(world, contact_id, OUT, world.other_team_id)
    assert "A word to Aid" in world.sign_in("admin").get(f"/contacts/{contact_id}").text
    page = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    assert "A word to Aid" not in page
    assert "Opted out</strong>, Aid" not in page


def test_every_entry_is_on_exactly_one_page(world: World) -> None:
    number = new_number()
    for index in range(45):
        world.text(number, f"Text {index}")
    contact_id = world.contact_id(number)
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        seen, before = [], None
        while True:
            page = timeline(user, contact_id, Only.ALL, before)
            seen += [(entry.what, entry.item.id) for entry in page.entries]
            if page.older is None:
                break
            before = Cursor.parse(str(page.older))
            assert before == page.older
        moments = [entry.at for entry in timeline(user, contact_id, Only.ALL, None).entries]
    assert len(seen) == len(set(seen)) == 47
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("before", ["x", "1_2", f"{9**30}_text_1", "1_text_0", "\x00", "1_no_1"])
def test_a_place_that_can_not_be_read_shows_the_newest(world: World, before: str) -> None:
    contact_id = known(world)
    answer = world.sign_in("agent").get(f"/contacts/{contact_id}", query_string={"before": before})
    assert answer.status_code == 200
    assert "Number added" in answer.text


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


def test_a_contact_id_of_somebody_offers_the_merge(world: World) -> None:
    holder = known(world, external_id="S-77")
    contact_id = world.contact_id_of(world.text(new_number(), "Hello").conversation_id)
    form = {"first_name": "", "last_name": "", "external_id": "S-77"}
    for role, offered in (("agent", False), ("admin", True)):
        answer = world.sign_in(role).post(f"/contacts/{contact_id}/name", form)
        assert answer.status_code == 422
        assert (f"/contacts/{contact_id}/merge/{holder}" in answer.text) == offered


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


def test_an_admin_compares_and_merges_and_the_old_address_leads_on(world: World) -> None:
    kept, gone = known(world), known(world)
    opt(world, gone, OUT)
    admin = world.sign_in("admin")
    assert f"/contacts/{kept}/merge/{gone}" in admin.get(f"/contacts/{kept}").text
    assert f"/contacts/{kept}/merge/{gone}" in admin.get(f"/contacts/{kept}/merge").text
    page = admin.get(f"/contacts/{kept}/merge/{gone}?kept={kept}&texted={gone}").text
    assert "can&#39;t be undone" in page
    answer = admin.post(f"/contacts/{kept}/merge/{gone}", {"kept": kept, "texted": gone})
    assert answer.location == f"/contacts/{kept}"
    assert world.status(kept) == OUT
    for path in ("", "/certificate"):
        assert admin.get(f"/contacts/{gone}{path}").location == f"/contacts/{kept}{path}"
    assert "on the record merged into this one" in admin.get(f"/contacts/{kept}").text


def test_an_admin_erases_only_with_a_legal_reason(world: World) -> None:
    contact_id, admin = known(world, first_name="Erasme"), world.sign_in("admin")
    assert admin.post(f"/contacts/{contact_id}/erase", {"reason": " "}).status_code == 422
    answer = admin.post(f"/contacts/{contact_id}/erase", {"reason": "Asked for."})
    assert answer.location == "/contacts/"
    assert "Erasme" not in admin.get("/contacts/").text
    assert admin.get(f"/contacts/{contact_id}").status_code == 404
    assert "Erased" in admin.get(f"/contacts/{contact_id}/certificate").text
    assert "Asked for." in admin.get("/reports/proof/").text


def test_the_download_has_everything_and_is_in_the_audit_log(world: World) -> None:
    number = new_number()
    world.text(number, "=HYPERLINK(1)")
    world.text(number, "To the admin", inbox=world.other_personal)
    contact_id = world.contact_id(number)
    merged = known(world, external_id="M-1")
    merge(world, contact_id, merged)
    answer = world.sign_in("admin").post(f"/contacts/{contact_id}/data")
    assert answer.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    data = json.loads(archive.read("data.json"))
    assert data["person"]["number"] == number
    assert {row["text"] for row in data["texts"]} == {"=HYPERLINK(1)", "To the admin"}
    assert {row["contact_id"] for row in data["history"]} == {"", "M-1"}
    texts = list(csv.DictReader(io.StringIO(archive.read("texts.csv").decode("utf-8-sig"))))
    assert texts[0]["text"] == "'=HYPERLINK(1)"
    assert archive.read("consent-certificate.pdf").startswith(b"%PDF")
    with world.session():
        assert "contact.data_exported" in db.session.scalars(select(AuditEntry.action)).all()


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
