"""An operator has a second factor, and gets no further than setting it up without one."""

from __future__ import annotations

import threading
import uuid

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.one_time_codes import WrongCode
from cadence_app.accounts.tries import TooMany
from cadence_app.extensions import db
from cadence_app.operators import second_factor, service
from cadence_app.operators.models import OperatorEntry
from tests.operators.arriving import code_of, set_up, show_password
from tests.world import PASSWORD, Browser, World


@pytest.fixture
def email(app: Flask) -> str:
    address = f"{uuid.uuid4().hex}@operators.example"
    with app.app_context():
        service.create_operator(address, "Ada Operator", PASSWORD)
        db.session.commit()
    return address


def _enter(browser: Browser, code: str) -> int:
    answer = browser.post("/operator/sign-in/code", {"code": code}, token_from="/operator/sign-in/code")
    browser.token = ""
    return answer.status_code


def _is_in(browser: Browser) -> bool:
    return browser.get("/operator/").status_code == 200


def _log(app: Flask, email: str) -> list[str]:
    with app.app_context():
        mine = select(OperatorEntry).where(OperatorEntry.subject.startswith(email)).order_by(OperatorEntry.id)
        return [entry.action.removeprefix("operator.") for entry in db.session.scalars(mine)]


def test_the_first_sign_in_leads_to_setting_it_up_and_nowhere_else(
    app: Flask, world: World, email: str
) -> None:
    browser = show_password(app, email)
    tenant = f"/operator/tenants/{world.tenant_id}"
    for path in ("/operator/", tenant, "/operator/log"):
        assert browser.get(path).location == "/operator/second-factor"
    for path in ("/operator/", tenant, f"{tenant}/suspend", f"{tenant}/screens"):
        assert browser.post(path, token_from="/operator/second-factor").location == "/operator/second-factor"
    _, codes = set_up(browser)
    assert len(set(codes)) == 10
    assert _is_in(browser)
    assert _log(app, email) == ["made", "signed_in", "second_factor_on"]


def test_from_then_on_the_password_alone_does_not_sign_in(app: Flask, email: str) -> None:
    secret, codes = set_up(show_password(app, email))
    browser = show_password(app, email)
    assert not _is_in(browser)
    assert [_enter(browser, wrong) for wrong in ("000000", "", "12\x00456")] == [422] * 3
    code = code_of(secret)
    assert _enter(browser, code) == 302
    assert _is_in(browser)
    # Each code once, recovery codes too.
    assert _enter(show_password(app, email), code) == 422
    for status in (302, 422):
        assert _enter(show_password(app, email), f" {codes[0].lower()} ") == status
    assert "<strong>9</strong> of 10" in browser.get("/operator/second-factor").text


def test_a_recovery_code_is_taken_once_even_by_two_at_once(app: Flask, email: str) -> None:
    _, codes = set_up(show_password(app, email))
    taken: list[str] = []

    def bring() -> None:
        with app.app_context():
            try:
                second_factor.check(service.named(email), codes[0], None)
            except WrongCode:
                return
            db.session.commit()
            taken.append(codes[0])

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == codes[:1]


def test_who_was_in_by_the_password_alone_is_out_when_somebody_else_sets_it_up(
    app: Flask, email: str
) -> None:
    thief, owner = show_password(app, email), show_password(app, email)
    assert thief.get("/operator/second-factor").status_code == 200
    set_up(owner)
    assert _is_in(owner)
    assert thief.get("/operator/second-factor").location == "/operator/sign-in"


def test_setting_it_up_and_new_recovery_codes_take_the_password(app: Flask, email: str) -> None:
    browser = show_password(app, email)
    page = browser.get("/operator/second-factor").text
    secret = page.partition('two-factor-key">')[2].partition("<")[0].replace(" ", "")
    for current in ("", "wrong"):
        form = {"code": code_of(secret, -1), "current": current}
        assert browser.post("/operator/second-factor", form).status_code == 422
    assert browser.get("/operator/").location == "/operator/second-factor"
    _, old = set_up(browser)
    assert (
        browser.post("/operator/second-factor", {"current": "wrong"}, token_from="/operator/").status_code
        == 422
    )
    assert browser.post("/operator/second-factor", {"current": PASSWORD}).status_code == 200
    assert _enter(show_password(app, email), old[0]) == 422


def test_a_command_takes_it_away_from_who_lost_it_and_the_log_says_so(app: Flask, email: str) -> None:
    browser = show_password(app, email)
    _, codes = set_up(browser)
    run = app.test_cli_runner().invoke
    done = run(args=["cadence", "operator-reset-second-factor", email.upper()])
    assert done.exit_code == 0, done.output
    assert not _is_in(browser)
    again = run(args=["cadence", "operator-reset-second-factor", email])
    assert "has no second factor yet" in again.output
    assert "no operator" in run(args=["cadence", "operator-reset-second-factor", "no@x.example"]).output
    browser = show_password(app, email)
    assert browser.get("/operator/").location == "/operator/second-factor"
    _, new = set_up(browser)
    assert not set(new) & set(codes)
    assert "second_factor_reset" in _log(app, email)
    page = browser.get("/operator/log").text
    assert "Second factor reset" in page
    assert "An operator, on the server" in page


def test_a_new_password_ends_what_is_signed_in_and_the_wait_for_a_code(app: Flask, email: str) -> None:
    browser = show_password(app, email)
    secret, _ = set_up(browser)
    waiting = show_password(app, email)
    done = app.test_cli_runner().invoke(
        args=["cadence", "operator-password", email, "--password", "nine quiet bicycles"]
    )
    assert done.exit_code == 0, done.output
    assert not _is_in(browser)
    assert waiting.get("/operator/sign-in/code").location == "/operator/sign-in"
    assert _enter(show_password(app, email, "nine quiet bicycles"), code_of(secret)) == 302


def test_nothing_of_the_secret_or_the_codes_can_be_read_in_the_database(app: Flask, email: str) -> None:
    secret, codes = set_up(show_password(app, email))
    with app.app_context():
        row = db.session.scalar(
            text("SELECT o::text FROM operators o WHERE email = :email"), {"email": email}
        )
    assert row
    for told in (secret, codes[0], codes[0].replace("-", "")):
        assert told not in row


@pytest.mark.parametrize(
    "change", ["UPDATE operator_entries SET subject = 'x'", "DELETE FROM operator_entries"]
)
def test_the_log_of_operators_can_not_be_rewritten(app: Flask, email: str, change: str) -> None:
    with app.app_context():
        with pytest.raises(DBAPIError, match="permission denied"):
            db.session.execute(text(change))
        db.session.rollback()
    with app.app_context():
        superuser = db.create_engine(app.config["SUPERUSER_URL"])
    with superuser.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(change))
    superuser.dispose()
    assert _log(app, email) == ["made"]


def test_a_wrong_code_after_the_right_password_is_in_the_log(app: Flask, email: str) -> None:
    set_up(show_password(app, email))
    assert _enter(show_password(app, email), "000000") == 422
    assert _log(app, email)[-1] == "code_failed"


def test_who_goes_on_after_too_many_tries_does_not_push_the_rest_off_the_log(app: Flask, email: str) -> None:
    with app.app_context():
        operator = service.named(email)
        for _ in range(3):
            service.note_failure(email, "198.51.100.7", TooMany(5))
            service.note_wrong_code(operator, "198.51.100.7", TooMany(5))
    assert _log(app, email) == ["made", "sign_in_failed_too_often", "code_failed_too_often"]
