"""What a password has to be, on every way that one is set."""

from __future__ import annotations

import unicodedata
import uuid

import pytest
from argon2 import PasswordHasher, Type
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.accounts import invitations, links, password_rules
from cadence_app.accounts.models import Role, User
from cadence_app.accounts.refusals import Refused
from cadence_app.extensions import db
from tests import engines
from tests.accounts.arriving import email_of, sign_in
from tests.world import PASSWORD, Browser, World

LEAKED = "iloveyou1234"


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("eleven char", "at least 12 characters"),
        ("x" * 100 + "abcdefghijklmnopqrstuvwxyz123", "at most 128 characters"),
        (LEAKED, "stolen elsewhere"),
        (LEAKED.upper(), "stolen elsewhere"),
        (LEAKED.title(), "stolen elsewhere"),
        # In the wide letters of East Asian keyboards.
        ("".join(chr(ord(char) + 0xFEE0) for char in LEAKED), "stolen elsewhere"),
        ("abababababababab", "repeats a few characters"),
        ("            ", "repeats a few characters"),
        ("Cadence-2026!", "a name that others know"),
        ("MorganReyes99", "a name that others know"),
        ("morgan.reyes@!1", "a name that others know"),
        ("Northfield!2026", "a name that others know"),
    ],
)
def test_a_password_that_thieves_try_first_is_refused(password: str, told: str) -> None:
    about = ["Morgan Reyes", "morgan.reyes@northfield.example", "Northfield College"]
    with pytest.raises(Refused, match=told):
        password_rules.hashed(password, about)


@pytest.mark.parametrize(
    "password",
    [
        "green lamps at dawn",
        "lowercaseonlywords",
        "9481 2750 3316 87",
        "пароль из трёх слов",
        "🦆🪴🎺🧭🥝🪁🛶🪐🎻🧦🍐🦔",
        "tab\tand space kept ",
        "Morgan walks nine dogs",
        "w" + "ordy" * 31 + "end",
    ],
)
def test_any_characters_will_do_spaces_and_pictures_too_up_to_128(password: str) -> None:
    password_hash = password_rules.hashed(password, ["Morgan Reyes"])
    assert password_rules.fits(password_hash, password)
    assert not password_rules.fits(password_hash, password[:-1])


def test_the_hash_of_a_password_is_as_slow_to_try_as_it_should_be() -> None:
    """OWASP's Password Storage Cheat Sheet: Argon2id with at least 19 MiB and two passes. Those of the tests
    are cheaper, and only there."""
    hasher = engines.PRODUCTS_HASHER
    assert hasher.type is Type.ID
    assert (hasher.memory_cost >= 19_456, hasher.time_cost >= 2) == (True, True)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=12, max_size=40))
def test_any_text_is_judged_without_a_crash(text: str) -> None:
    hasher, password_rules._hasher = password_rules._hasher, PasswordHasher(1, 8, 1)
    try:
        assert password_rules.fits(password_rules.hashed(text, [text]), text)
    except Refused:
        pass
    finally:
        password_rules._hasher = hasher


def test_what_looks_the_same_is_the_same_password_and_older_hashes_still_fit() -> None:
    composed = unicodedata.normalize("NFC", "café crème brûlée")
    parted = unicodedata.normalize("NFD", composed)
    assert parted != composed
    assert password_rules.fits(password_rules.hashed(parted), composed)
    older = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(parted)
    assert password_rules.fits(older, parted)
    assert not password_rules.fits("", parted)
    assert not password_rules.fits("no hash", parted)


def test_a_stolen_password_is_refused_when_it_is_changed(world: World) -> None:
    form = {"current": PASSWORD, "password": LEAKED, "again": LEAKED}
    answer = world.sign_in("agent").post("/account/password", form)
    assert (answer.status_code, "stolen elsewhere" in answer.text) == (422, True)
    assert sign_in(world.app, email_of(world, world.agent_id), PASSWORD)


@pytest.mark.parametrize("purpose", [links.Purpose.RESET, links.Purpose.INVITATION])
def test_a_stolen_password_is_refused_by_the_links_and_leaves_them_of_use(
    world: World, purpose: links.Purpose
) -> None:
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        if purpose == links.Purpose.INVITATION:
            admin = db.session.get_one(User, world.admin_id)
            email = f"{uuid.uuid4().hex}@college.example"
            user = invitations.invite(admin, email, "New", Role.AGENT, [])
        link = "/" + links.make(user, purpose)[0].split("/", 3)[3]
        db.session.commit()
    browser = Browser(world.app.test_client())
    answer = browser.post(link, {"name": "New", "password": LEAKED, "again": LEAKED}, token_from=link)
    assert (answer.status_code, "stolen elsewhere" in answer.text) == (422, True)
    good = "nine quiet bicycles"
    assert browser.post(link, {"name": "New", "password": good, "again": good}).status_code == 302


def test_the_commands_refuse_a_stolen_password_too(app: Flask, world: World) -> None:
    run = app.test_cli_runner().invoke
    email = f"{uuid.uuid4().hex}@college.example"
    long_leaked = "qwertyuiop12345"
    for command in (
        ["user", world.name, email, "--name", "New"],
        ["operator", email, "--name", "New"],
    ):
        refused = run(args=["cadence", *command, "--password", long_leaked])
        assert (refused.exit_code, "stolen elsewhere" in refused.output) == (1, True), refused.output
        done = run(args=["cadence", *command, "--password", "nine quiet bicycles"])
        assert done.exit_code == 0, done.output
    changing = ["cadence", "operator-password", email, "--password"]
    assert "stolen elsewhere" in run(args=[*changing, long_leaked]).output
    assert "at least 14 characters" in run(args=[*changing, "too short one"]).output
    assert run(args=[*changing, "ten quiet bicycles"]).exit_code == 0


def test_a_password_may_be_pasted_is_shown_on_request_and_is_never_limited_in_the_box(world: World) -> None:
    page = world.sign_in("agent").get("/account/password").text
    assert 'autocomplete="new-password"' in page
    assert 'data-strength="12"' in page
    assert "js/password.js" in page
    form = page[page.index("<main") :].partition("</main>")[0]
    for forbidden in ("onpaste", 'autocomplete="off"', "pattern="):
        assert forbidden not in form
    assert 'maxlength="128"' in page
