"""A code from an app besides the password, and the codes that stand in for it."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from cadence_app.accounts import second_factor
from cadence_app.accounts.models import SecondFactorPolicy, User
from cadence_app.accounts.one_time_codes import WrongCode
from cadence_app.accounts.sign_in_models import Method, SignInSession
from cadence_app.extensions import db
from tests.accounts.arriving import actions, email_of, is_signed_in, mails_to, said, send_mails
from tests.world import PASSWORD, Browser, World


def _code(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def _turn_on(browser: Browser) -> tuple[str, list[str]]:
    """Sets it up as a user does; returns the app's secret and the recovery codes. The code shown is that of
    the step before, so that the one of now is still of use."""
    page = browser.get("/account/two-factor").text
    found = re.search(r'two-factor-key">([A-Z2-7 ]+)<', page)
    assert found
    assert 'src="data:image/svg+xml' in page
    secret = found[1].replace(" ", "")
    answer = browser.post("/account/two-factor", {"code": _code(secret, -1), "current": PASSWORD})
    assert answer.status_code == 200
    return secret, re.findall(r"<code>([A-Z0-9-]{19})</code>", answer.text)


def _password(world: World, user_id: int) -> Browser:
    """A browser that has shown the password and has to show a code."""
    browser = Browser(world.app.test_client())
    data = {"email": email_of(world, user_id), "password": PASSWORD}
    answer = browser.post("/login?next=/help/", data, token_from="/login")
    assert answer.headers["Location"] == "/login/code?next=/help/"
    browser.token = ""
    return browser


def _enter(browser: Browser, code: str) -> int:
    return browser.post("/login/code", {"code": code}, token_from="/login/code").status_code


def _policy(world: World, policy: str) -> None:
    with world.session():
        db.session.get_one(User, world.admin_id).tenant.second_factor = SecondFactorPolicy(policy)
        db.session.commit()


def test_the_password_alone_does_not_sign_in_once_it_is_on(world: World) -> None:
    secret, _ = _turn_on(world.sign_in("agent"))
    browser = _password(world, world.agent_id)
    assert not is_signed_in(browser)
    assert _enter(browser, "000000") == 422
    assert _enter(browser, "") == 422
    assert _enter(browser, "12\x00456") == 422
    assert _enter(browser, _code(secret)) == 302
    assert is_signed_in(browser)
    assert "Password and a second factor" in browser.get("/account/sessions").text
    assert "user.second_factor_on" in actions(world)
    send_mails(world)
    assert (
        mails_to(world.app, email_of(world, world.agent_id))[-1]["Subject"] == "Your second factor in Cadence"
    )


def test_a_wrong_first_code_turns_nothing_on_and_keeps_the_picture(world: World) -> None:
    browser = world.sign_in("agent")
    first = browser.get("/account/two-factor").text
    answer = browser.post("/account/two-factor", {"code": "000000", "current": PASSWORD})
    assert answer.status_code == 422
    key = re.compile(r'two-factor-key">([A-Z2-7 ]+)<')
    assert key.findall(first) == key.findall(answer.text)
    with world.session():
        assert not db.session.get_one(User, world.agent_id).has_second_factor


def test_a_code_is_taken_once_even_by_two_at_once(world: World) -> None:
    secret, _ = _turn_on(world.sign_in("agent"))
    code, taken = _code(secret), []

    def bring() -> None:
        with world.session():
            try:
                second_factor.check(db.session.get_one(User, world.agent_id), code)
            except WrongCode:
                return
            taken.append(code)

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [code]


@pytest.mark.parametrize(("steps", "status"), [(1, 302), (2, 422), (-2, 422)])
def test_a_clock_may_be_one_step_off(world: World, steps: int, status: int) -> None:
    secret, _ = _turn_on(world.sign_in("agent"))
    # Not in the last second of a step, after which it would be another one's code.
    while time.time() % 30 > 28.5:
        time.sleep(0.1)
    assert _enter(_password(world, world.agent_id), _code(secret, steps)) == status


def test_a_recovery_code_signs_in_once_however_it_is_typed(world: World) -> None:
    browser = world.sign_in("agent")
    _, codes = _turn_on(browser)
    assert len(set(codes)) == 10
    assert _enter(_password(world, world.agent_id), f" {codes[0].lower().replace('-', ' ')}") == 302
    assert _enter(_password(world, world.agent_id), codes[0]) == 422
    assert "<strong>9</strong> of 10" in browser.get("/account/two-factor").text
    assert "user.recovery_code_used" in actions(world)


def test_new_recovery_codes_replace_the_old_ones_for_who_knows_the_password(world: World) -> None:
    browser = world.sign_in("agent")
    _, old = _turn_on(browser)
    renew = {"action": "renew", "current": "wrong"}
    assert browser.post("/account/two-factor", renew).status_code == 422
    answer = browser.post("/account/two-factor", renew | {"current": PASSWORD})
    new = re.findall(r"<code>([A-Z0-9-]{19})</code>", answer.text)
    assert len(new) == 10
    assert _enter(_password(world, world.agent_id), old[0]) == 422
    assert _enter(_password(world, world.agent_id), new[0]) == 302


def test_turning_it_off_takes_the_password(world: World) -> None:
    browser = world.sign_in("agent")
    _turn_on(browser)
    assert browser.post("/account/two-factor", {"action": "off", "current": "wrong"}).status_code == 422
    assert browser.post("/account/two-factor", {"action": "off", "current": PASSWORD}).status_code == 302
    assert is_signed_in(world.sign_in("agent"))
    assert "user.second_factor_off" in actions(world)


def test_an_admin_takes_away_a_lost_one_which_ends_the_sessions_and_is_mailed(world: World) -> None:
    browser = world.sign_in("agent")
    _turn_on(browser)
    with world.session():
        admin, agent = (db.session.get_one(User, each) for each in (world.admin_id, world.agent_id))
        second_factor.reset(admin, agent)
        db.session.commit()
        second_factor.reset(admin, agent)
        db.session.commit()
    assert not is_signed_in(browser)
    assert is_signed_in(world.sign_in("agent"))
    assert actions(world).count("user.second_factor_reset") == 1
    send_mails(world)
    mail = mails_to(world.app, email_of(world, world.agent_id))[-1]
    assert "Admin Person took your second factor away" in said(mail)


@pytest.mark.parametrize(
    ("policy", "led"), [("optional", []), ("admins", ["admin"]), ("everybody", ["admin", "agent"])]
)
def test_who_must_have_one_can_do_nothing_but_set_it_up(world: World, policy: str, led: list[str]) -> None:
    _policy(world, policy)
    for role in ("admin", "agent"):
        browser = world.sign_in(role)
        there = browser.get("/messages/")
        assert (there.status_code == 302) == (role in led)
        if role not in led:
            continue
        posted = browser.post("/contacts/new", {"first_name": "A"}, token_from="/account/two-factor")
        assert posted.headers["Location"] == "/account/two-factor"
        assert "asks for two-factor. Set it up to go on." in browser.get("/account/two-factor").text
        for path in ("/account/", "/reports/", "/settings/", "/account/sessions"):
            assert browser.get(path).headers["Location"] == "/account/two-factor"
        _turn_on(browser)
        assert browser.get("/messages/").status_code == 200


def test_who_must_have_one_may_sign_out_instead(world: World) -> None:
    _policy(world, "everybody")
    browser = world.sign_in("agent")
    assert browser.post("/logout", token_from="/account/two-factor").headers["Location"] == "/login"


def test_the_wait_for_a_code_ends_with_a_changed_password_and_begins_with_one(world: World) -> None:
    _turn_on(world.sign_in("agent"))
    browser = _password(world, world.agent_id)
    with world.session():
        db.session.get_one(User, world.agent_id).password_hash = "changed"
        db.session.commit()
    assert browser.get("/login/code").headers["Location"].startswith("/login")
    stranger = Browser(world.app.test_client())
    assert stranger.get("/login/code").headers["Location"].startswith("/login")


def test_nothing_of_the_secret_or_the_codes_can_be_read_in_the_database(world: World) -> None:
    secret, codes = _turn_on(world.sign_in("agent"))
    with world.session():
        rows = db.session.execute(
            db.text("SELECT users::text FROM users UNION ALL SELECT recovery_codes::text FROM recovery_codes")
        ).scalars()
        everything = "\n".join(rows)
    assert secret not in everything
    assert codes[0] not in everything
    assert str(codes[0]).replace("-", "") not in everything


def test_codes_can_be_tried_a_few_times_a_minute(world: World, limited_app: Flask) -> None:
    _turn_on(world.sign_in("agent"))
    browser = Browser(limited_app.test_client())
    data = {"email": email_of(world, world.agent_id), "password": PASSWORD}
    browser.post("/login", data, token_from="/login")
    assert [_enter(browser, "000000") for _ in range(7)] == [422] * 5 + [429] * 2
    assert actions(world).count("user.sign_in_failed_too_often") == 1


def _key(page: str) -> str:
    found = re.search(r'two-factor-key">([A-Z2-7 ]+)<', page)
    assert found
    return found[1].replace(" ", "")


@pytest.mark.parametrize("current", ["", "wrong"])
def test_it_is_not_turned_on_without_the_password(world: World, current: str) -> None:
    browser = world.sign_in("agent")
    code = _code(_key(browser.get("/account/two-factor").text))
    assert browser.post("/account/two-factor", {"code": code, "current": current}).status_code == 422
    with world.session():
        assert not db.session.get_one(User, world.agent_id).has_second_factor


def test_sessions_that_showed_no_code_end_when_it_is_turned_on(world: World) -> None:
    mine, other = world.sign_in("agent"), world.sign_in("agent")
    _turn_on(mine)
    assert [is_signed_in(mine), is_signed_in(other)] == [True, False]


@pytest.mark.parametrize(("minutes", "lets"), [(9, True), (11, False)])
def test_who_has_no_password_comes_from_the_organisations_sign_in_just_now(
    world: World, minutes: int, lets: bool
) -> None:
    browser = world.sign_in("agent")
    secret = _key(browser.get("/account/two-factor").text)
    with world.session():
        db.session.get_one(User, world.agent_id).password_hash = ""
        session = db.session.scalars(select(SignInSession)).one()
        session.method = Method.SINGLE_SIGN_ON
        session.created_at = datetime.now(UTC) - timedelta(minutes=minutes)
        db.session.commit()
    answer = browser.post("/account/two-factor", {"code": _code(secret)})
    assert (answer.status_code == 200) == lets
    if lets:
        for action, status in (("renew", 200), ("off", 302)):
            assert browser.post("/account/two-factor", {"action": action}).status_code == status
    else:
        assert "Sign in through your organization once more" in answer.text
        assert browser.post("/account/email", {"email": "new@people.example"}).status_code == 422
