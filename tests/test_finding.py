"""Ctrl K: whom it finds, and which pages, for whoever asks."""

from __future__ import annotations

import re
from html import unescape

from flask import Flask

from cadence_app.accounts.models import Role, User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.finding import pages_of
from tests.world import Browser, World, make_user, make_world, new_number


def found(browser: Browser, typed: str = "") -> dict[str, str]:
    """Address by what is listed."""
    answer = browser.get("/find/", query_string={"q": typed})
    assert answer.status_code == 200
    options = re.findall(r'href="([^"]+)">.*?finder-name">(.*?)</span>', unescape(answer.text), re.DOTALL)
    return {re.sub(r"<.*?>", "", name): url for url, name in options}


def known_as(world: World, number: str, first: str, external_id: str = "", inbox: str | None = None) -> int:
    contact_id = world.contact_id_of(world.text(number, "hello", inbox).conversation_id)
    with world.session():
        contact = db.session.get_one(Contact, contact_id)
        contact.first_name, contact.last_name, contact.external_id = first, "Haddad", external_id
        db.session.commit()
    return contact_id


def test_a_person_is_found_by_name_number_and_contact_id(world: World) -> None:
    agent, number = world.sign_in("agent"), new_number()
    contact_id = known_as(world, number, "Noor", "K-7781")
    for typed in ("noor had", number, f"{number[2:5]} {number[5:8]}-{number[8:]}", "k-7781"):
        assert found(agent, typed)["Noor Haddad"] == f"/contacts/{contact_id}"
    assert found(agent, "\x00%") == {}


def test_nobody_of_another_team_or_organization_is_found(app: Flask, world: World) -> None:
    theirs = f"/contacts/{known_as(world, new_number(), 'Quillon', inbox=world.other_shared)}"
    assert theirs not in found(world.sign_in("agent"), "Quillon").values()
    assert theirs in found(world.sign_in("admin"), "Quillon").values()
    assert found(make_world(app, "teams").sign_in("admin"), "Quillon") == {}


def test_settings_are_found_by_admins_and_in_the_words_of_their_mode(
    world: World, legacy_world: World
) -> None:
    assert found(world.sign_in("admin"), "settings people team") == {"Teams": "/settings/teams/"}
    assert found(legacy_world.sign_in("admin"), "departments") == {"Departments": "/settings/teams/"}
    agent = found(world.sign_in("agent"), "settings")
    assert not [url for url in agent.values() if url.startswith("/settings/")]
    assert found(world.sign_in("agent"), "message act") != {}
    assert found(world.sign_in("agent"), "opt out history") == {
        "The Opt out history report": "/help/opt-out-history"
    }


def test_every_page_that_is_found_opens_for_whoever_finds_it(world: World, legacy_world: World) -> None:
    for place in (world, legacy_world):
        with place.session():
            auditor = make_user(place.tenant_id, Role.AUDITOR, "Auditor Person")
            email, auditor_id = auditor.email, auditor.id
            db.session.commit()
        people = {
            place.admin_id: place.sign_in("admin"),
            place.agent_id: place.sign_in("agent"),
            auditor_id: place.sign_in_as(email),
        }
        for user_id, browser in people.items():
            with place.session(), place.app.test_request_context():
                pages = pages_of(db.session.get_one(User, user_id))
            assert len(pages) > 20
            shut = {page.url: browser.get(page.url, follow_redirects=True).status_code for page in pages}
            assert {url: status for url, status in shut.items() if status != 200} == {}


def test_before_anything_is_typed_the_parts_of_cadence_are_listed(world: World) -> None:
    listed = found(world.sign_in("agent"))
    assert list(listed)[:2] == ["Messages", "Contacts"]
    # The dialog of every page asks for it.
    page = world.sign_in("agent").get("/contacts/").text
    assert 'data-url="/find/"' in page
    assert 'role="combobox"' in page
