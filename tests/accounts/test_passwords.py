"""Changing a password, and setting a forgotten one by a link that is of use once."""

from __future__ import annotations

import re

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry, User
from cadence_app.accounts.sign_in_models import SingleSignOn
from cadence_app.extensions import db
from tests.accounts.arriving import (
    actions,
    email_of,
    is_signed_in,
    link_in,
    mails_to,
    outbox,
    send_mails,
    sign_in,
)
from tests.world import PASSWORD, Browser, World

NEW = "a brand new pass phrase"


def _ask(world: World, email: str) -> str:
    """The page that says to look in one's mail."""
    browser = Browser(world.app.test_client())
    answer = browser.post("/forgot-password", {"email": email}, token_from="/forgot-password")
    assert answer.status_code == 200
    return answer.text


def _link(world: World) -> str:
    """The path of the link that the agent is sent."""
    email = email_of(world, world.agent_id)
    _ask(world, email)
    send_mails(world)
    return link_in(mails_to(world.app, email)[-1])


def _set(world: World, link: str, **fields: str) -> tuple[int, str]:
    browser = Browser(world.app.test_client())
    data = {"password": NEW, "again": NEW} | fields
    answer = browser.post(link, data, token_from=link)
    return answer.status_code, answer.text


def _change(browser: Browser, **fields: str) -> tuple[int, str]:
    data = {"current": PASSWORD, "password": NEW, "again": NEW} | fields
    answer = browser.post("/account/password", data)
    return answer.status_code, answer.text


def test_who_has_no_password_is_told_so_and_changes_none(world: World) -> None:
    browser = world.sign_in("agent")
    browser.get("/account/email")
    with world.session():
        db.session.get_one(User, world.agent_id).password_hash = ""
        db.session.commit()
    status, page = _change(browser)
    assert (status, "have no password here" in page) == (422, True)


def test_a_changed_password_ends_every_other_session_and_a_mail_tells_of_it(world: World) -> None:
    browser, other = world.sign_in("agent"), world.sign_in("agent")
    email = email_of(world, world.agent_id)
    assert _change(browser)[0] == 302
    assert [is_signed_in(browser), is_signed_in(other)] == [True, False]
    assert sign_in(world.app, email, PASSWORD) is None
    assert sign_in(world.app, email, NEW)
    send_mails(world)
    assert mails_to(world.app, email)[-1]["Subject"] == "Your Cadence password was changed"
    assert "user.password_changed" in actions(world)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"current": "wrong"}, "That is not your password."),
        ({"current": ""}, "Enter your password."),
        ({"password": "short", "again": "short"}, "Use at least 12 characters."),
        ({"again": "something else"}, "The two are not the same."),
    ],
)
def test_a_password_that_can_not_be_changed_says_why(world: World, fields: dict[str, str], told: str) -> None:
    browser = world.sign_in("agent")
    status, page = _change(browser, **fields)
    assert status == 422
    assert told in page
    assert sign_in(world.app, email_of(world, world.agent_id), PASSWORD)


def test_a_link_sets_a_new_password_once_and_ends_every_session(world: World) -> None:
    browser = world.sign_in("agent")
    link = _link(world)
    assert email_of(world, world.agent_id) in Browser(world.app.test_client()).get(link).text
    assert _set(world, link, again="not the same")[0] == 422
    assert _set(world, link)[0] == 302
    assert not is_signed_in(browser)
    assert sign_in(world.app, email_of(world, world.agent_id), NEW)
    assert _set(world, link, password="yet another one", again="yet another one")[0] == 404
    assert sign_in(world.app, email_of(world, world.agent_id), NEW)


def test_a_link_dies_when_the_password_is_changed_otherwise(world: World) -> None:
    link = _link(world)
    assert _change(world.sign_in("agent"))[0] == 302
    status, page = _set(world, link)
    assert status == 404
    assert "This link no longer works" in page


def test_a_link_expires_is_signed_and_is_for_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = _link(world)
    token = link.rpartition("/")[2]
    signed, _, signature = token.rpartition(".")
    changed = f"{signed}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    for other in (f"/reset-password/{changed}", f"/invitation/{token}", "/reset-password/x"):
        assert Browser(world.app.test_client()).get(other).status_code == 404
    with monkeypatch.context() as patched:
        patched.setitem(world.app.config, "RESET_LINK_MINUTES", -1)
        assert Browser(world.app.test_client()).get(link).status_code == 404
    assert Browser(world.app.test_client()).get(link).status_code == 200


def test_a_link_is_of_no_use_to_who_is_not_active_any_more(world: World) -> None:
    link = _link(world)
    with world.session():
        db.session.get_one(User, world.agent_id).active = False
        db.session.commit()
    assert _set(world, link)[0] == 404


def test_asking_for_a_link_says_nothing_of_who_there_is(world: World) -> None:
    email = email_of(world, world.agent_id)
    told = {
        re.sub('csrf-token" content="[^"]+', "", _ask(world, given)).replace(given, "…")
        for given in (email, "nobody@college.example")
    }
    assert len(told) == 1
    assert [mail.recipient for mail in outbox(world)] == [email]


@pytest.mark.parametrize("email", ["", "a\x00b@college.example", "x" * 300])
def test_an_odd_address_is_refused_at_its_field(world: World, email: str) -> None:
    browser = Browser(world.app.test_client())
    assert browser.post("/forgot-password", {"email": email}, token_from="/login").status_code == 422


def test_an_organisation_without_passwords_sends_no_link(world: World) -> None:
    with world.session():
        off = SingleSignOn(
            tenant_id=world.tenant_id, issuer="https://x.example", client_id="c", client_secret=""
        )
        off.passwords_allowed = False
        db.session.add(off)
        db.session.commit()
    _ask(world, email_of(world, world.agent_id))
    assert outbox(world) == []
    assert sign_in(world.app, email_of(world, world.agent_id), PASSWORD) is None
    result: Result = world.app.test_cli_runner().invoke(args=["cadence", "allow-passwords", world.name])
    assert result.exit_code == 0
    assert sign_in(world.app, email_of(world, world.agent_id), PASSWORD)


def test_an_operator_prints_a_link(world: World) -> None:
    email = email_of(world, world.agent_id)
    run = world.app.test_cli_runner().invoke
    printed = run(args=["cadence", "reset-password", email]).output
    link = "/" + printed.split("\n")[0].split("/", 3)[3]
    assert _set(world, link)[0] == 302
    assert sign_in(world.app, email, NEW)
    refused = run(args=["cadence", "reset-password", "nobody@college.example"])
    assert refused.exit_code == 1
    assert "is no user who may sign in" in refused.output


def test_too_many_tries_are_refused_and_noted_once(world: World, limited_app: Flask) -> None:
    email = email_of(world, world.agent_id)
    browser = Browser(limited_app.test_client())
    # From an address of this test alone.
    there = {"REMOTE_ADDR": "203.0.113.9"}
    answers = [
        browser.post(
            "/login", {"email": email, "password": "wrong"}, token_from="/login", environ_overrides=there
        ).status_code
        for _ in range(8)
    ]
    assert answers == [422] * 5 + [429] * 3
    assert actions(world) == ["user.sign_in_failed_too_often"]
    with world.session():
        entry = db.session.scalars(select(AuditEntry)).one()
        assert (entry.user_id, entry.user_name) == (None, "Somebody not signed in")
        assert email in entry.subject


def test_a_profile_has_a_name_and_a_time_zone(world: World) -> None:
    browser = world.sign_in("agent")
    saved = browser.post("/account/", {"name": " Ana  Díaz ", "time_zone": "America/Chicago"})
    assert saved.status_code == 302
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        assert (user.name, user.time_zone) == ("Ana  Díaz", "America/Chicago")
    for fields in ({"name": ""}, {"name": "A\x00"}, {"name": "Ana", "time_zone": "Mars/Olympus"}):
        assert browser.post("/account/", {"time_zone": ""} | fields).status_code == 422


@pytest.mark.parametrize("path", ["", "password", "two-factor", "sessions"])
def test_your_account_is_for_everybody_who_is_signed_in(world: World, path: str) -> None:
    assert world.sign_in("admin").get(f"/account/{path}").status_code == 200
    agent = world.sign_in("agent").get(f"/account/{path}")
    assert agent.status_code == 200
    assert 'href="/account/"' in agent.text
    assert Browser(world.app.test_client()).get(f"/account/{path}").status_code == 302
