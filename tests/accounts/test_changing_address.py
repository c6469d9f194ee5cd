"""Changing one's own e-mail address: it counts once somebody has read its mail."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.accounts.sign_in_models import SingleSignOn
from cadence_app.extensions import db
from tests.accounts.addresses import add_provider, new_address
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


def _ask(browser: Browser, email: str, password: str = PASSWORD) -> int:
    return browser.post("/account/email", {"email": email, "current": password}).status_code


def _confirm(world: World, email: str) -> tuple[str, Browser]:
    send_mails(world)
    return link_in(mails_to(world.app, email)[-1]), Browser(world.app.test_client())


def test_a_new_address_counts_once_its_link_was_followed_and_pressed(world: World) -> None:
    browser, old, new = world.sign_in("agent"), email_of(world, world.agent_id), new_address()
    assert _ask(browser, new, "wrong") == 422
    assert outbox(world) == []
    assert _ask(browser, new) == 302
    assert "Waiting to be confirmed" in browser.get("/account/email").text
    assert sign_in(world.app, old, PASSWORD)
    assert sign_in(world.app, new, PASSWORD) is None
    link, elsewhere = _confirm(world, new)
    # Programs that read mail follow links: that alone changes nothing.
    assert "Use this address" in elsewhere.get(link).text
    assert email_of(world, world.agent_id) == old
    assert elsewhere.post(link).status_code == 302
    assert (sign_in(world.app, old, PASSWORD), bool(sign_in(world.app, new, PASSWORD))) == (None, True)
    assert is_signed_in(browser)
    assert elsewhere.post(link).status_code == 404
    send_mails(world)
    told = [str(mail["Subject"]) for mail in mails_to(world.app, old)]
    assert told == [
        "Your e-mail address in Cadence is about to change",
        "Your e-mail address in Cadence was changed",
    ]
    assert "user.address_changed" in actions(world)


def test_another_address_a_drop_and_a_new_password_make_the_link_worthless(world: World) -> None:
    browser, first, second = world.sign_in("agent"), new_address(), new_address()
    assert _ask(browser, first) == 302
    link, elsewhere = _confirm(world, first)
    assert _ask(browser, second) == 302
    assert elsewhere.get(link).status_code == 404
    link, _ = _confirm(world, second)
    assert browser.post("/account/email/drop").status_code == 302
    assert elsewhere.get(link).status_code == 404
    assert _ask(browser, first) == 302
    link, _ = _confirm(world, first)
    new = "another pass phrase"
    form = {"current": PASSWORD, "password": new, "again": new}
    assert browser.post("/account/password", form).status_code == 302
    assert elsewhere.get(link).status_code == 404
    assert "Waiting to be confirmed" not in browser.get("/account/email").text


def test_an_address_of_somebody_else_is_told_to_who_reads_its_mail_alone(
    world: World, legacy_world: World
) -> None:
    """Whoever asks sees the same as for a free one; whoever has it loses nothing."""
    taken, browser = email_of(legacy_world, legacy_world.agent_id), world.sign_in("agent")
    assert _ask(browser, taken) == 302
    link, elsewhere = _confirm(world, taken)
    elsewhere.get(link)
    answer = elsewhere.post(link)
    assert (answer.status_code, "signs in to Cadence already" in answer.text) == (409, True)
    assert not re.search("|".join((world.name, legacy_world.name)), answer.text)
    with world.session():
        assert db.session.get_one(User, world.agent_id).email != taken
    assert sign_in(world.app, taken, PASSWORD)


def test_a_reset_link_in_the_mail_of_an_address_that_was_left_is_worth_nothing(world: World) -> None:
    browser, old, new = world.sign_in("agent"), email_of(world, world.agent_id), new_address()
    Browser(world.app.test_client()).post("/forgot-password", {"email": old}, token_from="/login")
    reset, elsewhere = _confirm(world, old)
    assert elsewhere.get(reset).status_code == 200
    assert _ask(browser, new) == 302
    link, _ = _confirm(world, new)
    elsewhere.get(link)
    assert elsewhere.post(link).status_code == 302
    assert elsewhere.get(reset).status_code == 404


@pytest.mark.parametrize("email", ["", "none", "a\x00b@college.example", "x" * 300])
def test_an_address_that_is_none_is_refused_at_its_field(world: World, email: str) -> None:
    assert _ask(world.sign_in("agent"), email) == 422
    with world.session():
        assert db.session.scalars(select(User.new_email)).all() == ["", ""]


def test_where_single_sign_on_alone_lets_in_it_says_what_the_address_is(world: World) -> None:
    browser, asked = world.sign_in("agent"), new_address()
    assert _ask(browser, asked) == 302
    link, elsewhere = _confirm(world, asked)
    add_provider(world, f"d{uuid.uuid4().hex[:8]}.example")
    with world.session():
        db.session.get_one(SingleSignOn, world.tenant_id).passwords_allowed = False
        db.session.commit()
    assert _ask(browser, new_address()) == 422
    # Nor by a link from before.
    assert elsewhere.get(link).status_code == 404
    assert elsewhere.post(link, token_from="/login").status_code == 404
    assert email_of(world, world.agent_id) != asked
