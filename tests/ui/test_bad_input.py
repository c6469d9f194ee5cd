"""What nobody sends by accident gets an answer, and not a crash."""

from __future__ import annotations

import threading
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from cadence_app import create_app
from cadence_app.accounts import links
from cadence_app.accounts.links import Purpose
from cadence_app.accounts.models import User
from cadence_app.contacts import service as contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.api.conftest import make_api
from tests.world import PASSWORD, Browser, World, make_world, new_number

HUGE = "9" * 20


@pytest.mark.parametrize(
    "path",
    [
        f"/contacts/{HUGE}",
        f"/contacts/{HUGE}/edit",
        f"/messages/conversations/{HUGE}",
        f"/messages/conversations/{HUGE}/fresh",
        f"/exports/{HUGE}/download",
        f"/messages/?inbox={HUGE}",
    ],
)
def test_an_id_that_no_row_can_have_is_404(world: World, path: str) -> None:
    assert world.sign_in("admin").get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        f"/messages/?inbox=&page={HUGE}",
        "/messages/?inbox=&page=-1&only=nothing",
        "/messages/?inbox=&q=%00",
        f"/contacts/?q=%00&page={HUGE}&status=maybe",
        "/dev/phone/?inbox=abc",
        "/dev/phone/?inbox=%00&from_number=%00",
    ],
)
def test_an_odd_query_shows_the_page_all_the_same(world: World, path: str) -> None:
    assert world.sign_in("admin").get(path).status_code == 200


@pytest.mark.parametrize("email", ["a\x00b@college.example", "a" * 5000, "\ud800".encode(errors="replace")])
def test_an_odd_sign_in_is_refused_at_the_form(world: World, email: str) -> None:
    browser = Browser(world.app.test_client())
    answer = browser.post("/login", {"email": email, "password": "x"}, token_from="/login")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "wanted",
    [
        *("//[", "/\\[", "//a.example", "/\\a.example", "https://a.example/", "http://[", "contacts/"),
        *("/contacts/\r\nSet-Cookie: a=b", "/contacts/\x00", "/\t/a.example", "/" + "a" * 5_000, ""),
    ],
)
def test_after_signing_in_nobody_is_led_off_the_site(world: World, wanted: str) -> None:
    with world.session():
        email = db.session.get_one(User, world.agent_id).email
    browser, at = Browser(world.app.test_client()), f"/login?next={quote(wanted, safe='')}"
    answer = browser.post(at, {"email": email, "password": PASSWORD}, token_from="/login")
    assert (answer.status_code, answer.location) == (302, "/")


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-30", "3000-01-01", "0001-01-01", "1899-12-31"])
def test_a_day_at_the_end_of_the_calendar_is_told_at_its_field(world: World, day: str) -> None:
    admin = world.sign_in("admin")
    for query in (f"start={day}", f"end={day}"):
        answer = admin.get(f"/settings/audit-log/?{query}")
        assert answer.status_code == 422
        assert "Enter a date from the year 1900 to 2999." in answer.text
    export = admin.post("/reports/exports/opt-out-history", {"start_date": "2026-01-01", "end_date": day})
    assert export.status_code == 422


def test_a_colleague_may_use_the_simulator_for_another_organisations_inbox(app: Flask, world: World) -> None:
    other = make_world(app, "teams")
    fields = {"from_number": new_number(), "body": "hello", "inbox": other.shared}
    admin = world.sign_in("admin")
    assert admin.post("/dev/phone/", fields).status_code == 302
    assert admin.post("/dev/phone/", fields | {"inbox": "\x00"}).status_code == 422
    assert admin.get("/contacts/").status_code == 200


def test_what_is_for_somebody_of_another_organisation_opens_beside_ones_own(app: Flask, world: World) -> None:
    other = make_world(app, "teams")
    with other.session():
        them = db.session.get_one(User, other.agent_id)
        email, link = them.email, links.make(them, Purpose.RESET)[0]
    admin, token = world.sign_in("admin"), make_api(other).token
    assert admin.post("/forgot-password", {"email": email}).status_code == 200
    assert email in admin.get(urlsplit(link).path).text
    found = admin.get("/api/v1/teams", headers={"Authorization": f"Bearer {token}"})
    assert found.status_code == 200
    assert "/logout" in admin.get("/contacts/").text


def test_the_same_contact_id_saved_twice_at_once_is_told_at_its_field(world: World) -> None:
    ids = [world.add_contact(external_id="") for _ in range(6)]
    refused: list[str] = []

    def save(contact_id: int) -> None:
        with world.session():
            try:
                contacts.edit_contact(
                    db.session.get_one(User, world.admin_id),
                    db.session.get_one(Contact, contact_id),
                    first_name="A",
                    last_name="B",
                    external_id="77",
                )
            except contacts.Taken as taken:
                refused.append(taken.field)

    threads = [threading.Thread(target=save, args=(contact_id,)) for contact_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["external_id"] * 5
    with world.session():
        assert len(db.session.scalars(select(Contact.id).where(Contact.external_id == "77")).all()) == 1


def test_a_contact_of_another_team_is_not_named_to_who_may_not_see_them(world: World) -> None:
    secret = world.add_contact(first_name="Secret", last_name="Person", external_id="42")
    world.text(new_number(), "hi")
    mine = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    assert agent.get(f"/contacts/{secret}").status_code == 404
    mine_id = world.contact_id_of(mine.conversation_id)
    answer = agent.post(f"/contacts/{mine_id}/edit", {"first_name": "A", "external_id": "42"})
    assert answer.status_code == 422
    assert "Somebody in another team has this ContactId already" in answer.text
    assert "Secret" not in answer.text


def test_the_page_of_a_crash_does_without_the_database(world: World) -> None:
    # Its database is out of reach; who asks carries a cookie of somebody signed in.
    settings = dict(world.app.config) | {
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://nobody@127.0.0.1:1/nowhere"
    }
    broken = create_app(settings).test_client()
    with broken.session_transaction() as session:
        session["sign_in"] = "the key of a session"
    answer = broken.get("/messages/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text


def test_static_files_are_kept_by_browsers_and_pages_are_not(world: World) -> None:
    admin = world.sign_in("admin")
    static = admin.get("/static/css/app.css")
    assert "max-age=31536000" in static.headers["Cache-Control"]
    assert admin.get("/messages/").headers["Cache-Control"] == "no-store"


def test_the_simulator_says_at_the_field_that_hello_is_no_number(world: World) -> None:
    answer = world.app.test_client().get("/dev/phone/?from_number=hello")
    assert answer.status_code == 200
    assert 'aria-describedby="switch-number-error"' in answer.text
    assert "Enter a phone number" in answer.text
    assert "as seen on" not in answer.text


def test_a_browser_that_asks_for_a_favicon_beside_a_pdf_gets_it(world: World) -> None:
    answer = world.app.test_client().get("/favicon.ico")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
