"""How often somebody may try, by what the screens that ask for a password or mail a link answer."""

from __future__ import annotations

import re
import uuid

from flask import Flask
from sqlalchemy import event, text

from cadence_app.accounts import email_addresses
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from tests.accounts.arriving import actions, email_of, link_in, mails_to, outbox, send_mails
from tests.accounts.conftest import WAIT
from tests.accounts.trying import age_failures, try_password
from tests.operators.arriving import show_password
from tests.world import PASSWORD, Browser, World


def test_the_sixth_try_waits_for_its_moment_and_is_refused_right_or_wrong(
    world: World, limited_app: Flask, ip: str
) -> None:
    email, browser = email_of(world, world.agent_id), Browser(limited_app.test_client())
    assert [try_password(browser, email, ip) for _ in range(5)] == [422] * 5
    answer = browser.post(
        "/login",
        {"email": email, "password": PASSWORD},
        token_from="/login",
        environ_overrides={"REMOTE_ADDR": ip},
    )
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= WAIT
    assert "Wait 15 minutes, then try again." in answer.text
    age_failures(world.app, WAIT)
    assert try_password(browser, email, ip, PASSWORD) == 302


def test_however_an_address_is_spelled_it_is_one_account(world: World, limited_app: Flask, ip: str) -> None:
    """Each of these finds the user, so each must count; and the database alone says which do."""
    local = f"istanbul{uuid.uuid4().hex[:8]}"
    with world.session():
        db.session.get_one(User, world.agent_id).email = f"{local}@college.example"
        db.session.commit()
    spellings = [
        f"{local}@college.example",
        f"{local.upper()}@COLLEGE.EXAMPLE",
        f"  {local}@college.example ",
        f"{local}@college.example".replace("i", "İ"),
        f"{local}@college.example".replace("s", "\N{LATIN SMALL LETTER LONG S}"),
    ]
    with world.session():
        found = [each for each in spellings if email_addresses.folded(each) == spellings[0]]
        who = [
            db.session.scalar(text("SELECT user_id FROM find_sign_in(:e)"), {"e": e.strip()})
            for e in spellings
        ]
    assert [spelled for spelled, user_id in zip(spellings, who, strict=True) if user_id] == found
    browser = Browser(limited_app.test_client())
    statuses = [try_password(browser, found[at % len(found)], ip) for at in range(7)]
    assert statuses == [422] * 5 + [429] * 2


def test_who_has_no_account_is_refused_alike_and_in_the_same_words(
    world: World, limited_app: Flask, ip: str
) -> None:
    told = []
    for email in (email_of(world, world.agent_id), f"nobody{uuid.uuid4().hex}@college.example"):
        browser, pages = Browser(limited_app.test_client()), []
        for _ in range(7):
            form = {"email": email, "password": "wrong"}
            there = {"REMOTE_ADDR": ip}
            answer = browser.post("/login", form, token_from="/login", environ_overrides=there)
            page = re.sub(r'(content|value)="I[jm][^"]+"', "", answer.text.replace(email, "…"))
            pages.append((answer.status_code, re.sub(r"Wait \d+", "Wait", page)))
        told.append(pages)
    assert told[0] == told[1]
    assert actions(world) == ["user.sign_in_failed_too_often"]


def test_as_much_is_asked_of_the_database_for_nobody_as_for_somebody(
    world: World, limited_app: Flask, ip: str
) -> None:
    """A wrong password, and a try that comes too early: the time taken tells nothing."""
    asked: list[list[str]] = []
    with limited_app.app_context():
        engine = db.engine
    # What is asked once in the life of a process.
    try_password(Browser(limited_app.test_client()), email_of(world, world.admin_id), ip)
    for email in (email_of(world, world.agent_id), f"nobody{uuid.uuid4().hex}@college.example"):
        browser = Browser(limited_app.test_client())
        browser.get("/login")
        statements: list[str] = []

        def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
            statements.append(statement)  # noqa: B023 - it is taken off again below

        event.listen(engine, "before_cursor_execute", note)
        for _ in range(7):
            form = {"email": email, "password": "wrong", "csrf_token": browser.token}
            answer = browser.client.post("/login", data=form, environ_overrides={"REMOTE_ADDR": ip})
            assert answer.status_code in (422, 429)
        event.remove(engine, "before_cursor_execute", note)
        asked.append(statements)
    assert asked[0] == asked[1]
    assert len(asked[0]) > 7


def test_links_can_be_asked_for_a_few_times_and_the_answer_is_the_same_for_nobody(
    world: World, limited_app: Flask, ip: str
) -> None:
    for email in (email_of(world, world.agent_id), f"nobody{uuid.uuid4().hex}@college.example"):
        browser = Browser(limited_app.test_client())
        statuses = [
            browser.post(
                "/forgot-password",
                {"email": email},
                token_from="/forgot-password",
                environ_overrides={"REMOTE_ADDR": ip},
            ).status_code
            for _ in range(5)
        ]
        assert statuses == [200] * 3 + [429] * 2
    assert len(outbox(world)) == 3


def test_an_admin_mails_somebody_links_a_few_times_only(world: World, limited_app: Flask, ip: str) -> None:
    admin, email = Browser(limited_app.test_client()), f"{uuid.uuid4().hex}@people.example"
    assert try_password(admin, email_of(world, world.admin_id), ip, PASSWORD) == 302
    path = f"/settings/users/{world.agent_id}/reset-link"
    statuses = [admin.post(path, token_from="/settings/users/").status_code for _ in range(5)]
    assert statuses == [302] * 3 + [429] * 2
    form = {"email": email, "name": "New", "role": "agent", "teams": [world.team_id]}
    assert admin.post("/settings/users/invite", form).status_code == 302
    with world.session():
        invited = db.session.scalar(text("SELECT id FROM users WHERE email = :email"), {"email": email})
    again = [admin.post(f"/settings/users/{invited}/resend").status_code for _ in range(4)]
    assert again == [302] * 2 + [429] * 2
    assert len(outbox(world)) == 6


def test_who_reads_the_mail_gets_in_although_strangers_go_on(
    world: World, limited_app: Flask, ip: str
) -> None:
    email, mine = email_of(world, world.agent_id), Browser(limited_app.test_client())
    mine.post("/forgot-password", {"email": email}, token_from="/forgot-password")
    send_mails(world)
    link, new = link_in(mails_to(world.app, email)[-1]), "quite another pass phrase"
    assert mine.post(link, {"password": new, "again": new}, token_from=link).status_code == 302
    for _ in range(6):
        try_password(Browser(limited_app.test_client()), email, ip)
    assert try_password(mine, email, ip, new) == 302


def test_the_password_is_asked_for_again_a_few_times_and_strangers_have_no_part_in_that(
    world: World, limited_app: Flask, ip: str
) -> None:
    browser = Browser(limited_app.test_client())
    assert try_password(browser, email_of(world, world.agent_id), ip, PASSWORD) == 302
    for _ in range(6):
        try_password(Browser(limited_app.test_client()), email_of(world, world.agent_id), ip)
    form = {"current": "wrong", "password": "x" * 12 + "abcde", "again": "x" * 12 + "abcde"}
    statuses = [browser.post("/account/password", form, token_from="/account/").status_code for _ in range(3)]
    statuses += [
        browser.post("/account/email", {"email": "a@b.example", "current": "wrong"}).status_code
        for _ in range(4)
    ]
    assert statuses == [422] * 5 + [429] * 2


def test_an_operators_sign_in_is_counted_too_and_is_in_the_operators_log(limited_app: Flask) -> None:
    email = f"{uuid.uuid4().hex}@operators.example"
    run = limited_app.test_cli_runner().invoke
    made = run(args=["cadence", "operator", email, "--name", "Op", "--password", PASSWORD])
    assert made.exit_code == 0, made.output
    for spelled in (email, email.upper()) * 3:
        show_password(limited_app, spelled, "wrong")
    assert show_password(limited_app, email).get("/operator/").location == "/operator/sign-in"
    with limited_app.app_context():
        told = db.session.scalars(
            text("SELECT action FROM operator_entries WHERE subject LIKE :mine ORDER BY id"),
            {"mine": f"{email}%"},
        ).all()
    assert told == [
        "operator.made",
        *["operator.sign_in_failed"] * 5,
        # Said once in ten minutes, lest it pushes all else off the page.
        "operator.sign_in_failed_too_often",
    ]
