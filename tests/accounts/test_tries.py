"""How often somebody may try: by account, by network, and on a device that is known."""

from __future__ import annotations

import re
import threading
import time
import uuid

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from cadence_app.accounts import email_addresses, tries
from cadence_app.accounts.models import User
from cadence_app.accounts.tries import HOUR, LIMITS, Kind, Limit, TooMany, network_of
from cadence_app.extensions import db
from tests.accounts.arriving import actions, email_of, is_signed_in, link_in, mails_to, outbox, send_mails
from tests.accounts.conftest import WAIT
from tests.operators.arriving import show_password
from tests.world import PASSWORD, Browser, World

_limits = st.builds(
    Limit,
    free=st.integers(1, 10),
    first=st.integers(1, 60),
    longest=st.integers(60, 900),
    most=st.integers(10, 100),
)


@pytest.fixture
def ip() -> str:
    """An address of a network that no other test has."""
    return f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"


def _try(browser: Browser, email: str, ip: str, password: str = "wrong") -> int:
    form = {"email": email, "password": password}
    answer = browser.post("/login", form, token_from="/login", environ_overrides={"REMOTE_ADDR": ip})
    return answer.status_code


def _age(app: Flask, seconds: int) -> None:
    """Makes every failure so much older."""
    superuser = db.create_engine(app.config["SUPERUSER_URL"])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE failed_tries SET at = at - :s * interval '1 second'"), {"s": seconds})
    superuser.dispose()


@given(limit=_limits, gaps=st.lists(st.floats(0, 120), max_size=150))
def test_whoever_comes_as_early_as_allowed_never_has_more_tries_in_an_hour(
    limit: Limit, gaps: list[float]
) -> None:
    now = 0.0
    made: list[float] = []
    for gap in gaps:
        now += gap
        ages = [now - at for at in reversed(made) if now - at < HOUR]
        now += limit.wait(ages)
        made.append(now)
        assert sum(now - at < HOUR - 1e-6 for at in made) <= limit.most


@given(limit=_limits, count=st.integers(0, 200))
def test_the_wait_grows_with_each_failure_up_to_its_longest(limit: Limit, count: int) -> None:
    waits = [limit.wait([0.0] * failed) for failed in range(min(count, limit.most))]
    assert waits == sorted(waits)
    assert all(wait == 0 for wait in waits[: limit.free])
    assert all(0 < wait <= limit.longest for wait in waits[limit.free :])


def test_strangers_and_who_is_signed_in_have_a_hundred_tries_an_hour_at_most() -> None:
    assert LIMITS[Kind.PASSWORD].most + LIMITS[Kind.REENTRY].most <= 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.250", True),
        ("198.51.100.7", "198.51.101.7", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.7", "198.51.100.9", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "unknown", False),
        # Whoever has a network of IPv6 writes what they like into its last 64 bits.
        ("2001:db8:1:2:0:5efe:c633:6401", "2001:db8:1:2:200:5efe:cb00:7101", True),
        ("2001:db8:1:2:0:5efe:198.51.100.7", "198.51.100.7", False),
        ("64:ff9b::198.51.100.7", "198.51.100.7", False),
        # Some proxies name the client's port too, which is another one each time.
        ("198.51.100.7:50001", "198.51.100.9:50002", True),
        ("198.51.100.7:50001", "198.51.100.9", True),
        ("[2001:db8:1:2::1]:50001", "2001:db8:1:2::9", True),
        ("[::ffff:198.51.100.7]:50001", "198.51.100.9", True),
    ],
)
def test_a_network_is_24_bits_of_ipv4_and_64_of_ipv6(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) == same


def test_the_sixth_try_waits_for_its_moment_and_is_refused_right_or_wrong(
    world: World, limited_app: Flask, ip: str
) -> None:
    email, browser = email_of(world, world.agent_id), Browser(limited_app.test_client())
    assert [_try(browser, email, ip) for _ in range(5)] == [422] * 5
    answer = browser.post(
        "/login",
        {"email": email, "password": PASSWORD},
        token_from="/login",
        environ_overrides={"REMOTE_ADDR": ip},
    )
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= WAIT
    assert "Wait 15 minutes, then try again." in answer.text
    _age(world.app, WAIT)
    assert _try(browser, email, ip, PASSWORD) == 302


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
    statuses = [_try(browser, found[at % len(found)], ip) for at in range(7)]
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
    _try(Browser(limited_app.test_client()), email_of(world, world.admin_id), ip)
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


def test_a_network_is_counted_over_all_the_accounts_it_tries(limited_app: Flask, ip: str) -> None:
    with limited_app.app_context():
        for _ in range(LIMITS[Kind.NETWORK].free):
            tries.begin((Kind.NETWORK, network_of(ip)))
    browser = Browser(limited_app.test_client())
    assert _try(browser, f"new{uuid.uuid4().hex}@college.example", ip) == 429
    elsewhere = f"2001:db9::{uuid.uuid4().hex[:4]}"
    assert _try(browser, f"new{uuid.uuid4().hex}@college.example", elsewhere) == 422


def test_a_forged_forwarding_header_is_no_other_network(world: World, limited_app: Flask, ip: str) -> None:
    email, browser = email_of(world, world.agent_id), Browser(limited_app.test_client())
    statuses = []
    for at in range(7):
        answer = browser.post(
            "/login",
            {"email": f"{at}{email}", "password": "wrong"},
            token_from="/login",
            environ_overrides={"REMOTE_ADDR": ip},
            headers={"X-Forwarded-For": f"203.0.113.{at}"},
        )
        statuses.append(answer.status_code)
    assert statuses == [422] * 7
    with limited_app.app_context():
        for _ in range(LIMITS[Kind.NETWORK].free - 7):
            tries.begin((Kind.NETWORK, network_of(ip)))
        with pytest.raises(TooMany):
            tries.begin((Kind.NETWORK, network_of(ip)))


def test_many_at_once_are_counted_one_after_the_other(limited_app: Flask) -> None:
    counted, refused = [], []

    def one() -> None:
        with limited_app.app_context():
            try:
                counted.append(tries.begin((Kind.PASSWORD, "all at once"), (Kind.NETWORK, "all at once")))
            except TooMany as early:
                refused.append(early)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(counted), len(refused)) == (5, 15)


def test_a_right_try_is_given_back_and_a_wrong_one_is_forgotten_after_an_hour(limited_app: Flask) -> None:
    with limited_app.app_context():
        for _ in range(20):
            tries.begin((Kind.CODE, "right")).give_back()
        for _ in range(5):
            tries.begin((Kind.CODE, "wrong"))
        with pytest.raises(TooMany):
            tries.begin((Kind.CODE, "wrong"))
    _age(limited_app, HOUR + 1)
    with limited_app.app_context():
        tries.begin((Kind.CODE, "wrong"))
        tries.forget_old()
        old = text("SELECT count(*) FROM failed_tries WHERE at < now() - interval '1 hour'")
        assert db.session.scalar(old) == 0


def test_strangers_do_not_lock_out_who_comes_on_a_known_device(
    world: World, limited_app: Flask, ip: str
) -> None:
    email, mine = email_of(world, world.agent_id), Browser(limited_app.test_client())
    assert _try(mine, email, ip, PASSWORD) == 302
    mine.post("/logout", token_from="/account/")
    stranger, there = Browser(limited_app.test_client()), f"2001:db8:ffff:{uuid.uuid4().hex[:4]}::1"
    assert [_try(stranger, email, there) for _ in range(6)] == [422] * 5 + [429]
    assert _try(stranger, email, there, PASSWORD) == 429
    assert _try(mine, email, ip, PASSWORD) == 302


def test_a_known_device_has_its_own_count_and_is_known_for_one_account_alone(
    world: World, limited_app: Flask, ip: str
) -> None:
    agent, admin = (email_of(world, each) for each in (world.agent_id, world.admin_id))
    mine = Browser(limited_app.test_client())
    assert _try(mine, agent, ip, PASSWORD) == 302
    mine.post("/logout", token_from="/account/")
    assert [_try(mine, agent, ip) for _ in range(6)] == [422] * 5 + [429]
    # Elsewhere its failures lock nobody out.
    assert _try(Browser(limited_app.test_client()), agent, ip, PASSWORD) == 302
    stranger = Browser(limited_app.test_client())
    assert [_try(stranger, admin, ip) for _ in range(6)] == [422] * 5 + [429]
    assert _try(mine, admin, ip, PASSWORD) == 429


def test_a_device_is_known_no_more_once_the_password_changed_and_its_cookie_signs_nobody_in(
    world: World, limited_app: Flask, ip: str
) -> None:
    email, mine = email_of(world, world.agent_id), Browser(limited_app.test_client())
    assert _try(mine, email, ip, PASSWORD) == 302
    cookie = mine.client.get_cookie("known_device")
    assert cookie
    assert cookie.http_only
    other = Browser(limited_app.test_client())
    other.client.set_cookie("known_device", cookie.value)
    assert not is_signed_in(other)
    with world.session():
        db.session.get_one(User, world.agent_id).password_hash = "changed"
        db.session.commit()
    for _ in range(5):
        _try(Browser(limited_app.test_client()), email, ip)
    assert _try(other, email, ip) == 429
    for forged in ("", "x", cookie.value[:-2] + "AA"):
        other.client.set_cookie("known_device", forged)
        assert _try(other, email, ip) == 429


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
    assert _try(admin, email_of(world, world.admin_id), ip, PASSWORD) == 302
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
        _try(Browser(limited_app.test_client()), email, ip)
    assert _try(mine, email, ip, new) == 302


def test_the_password_is_asked_for_again_a_few_times_and_strangers_have_no_part_in_that(
    world: World, limited_app: Flask, ip: str
) -> None:
    browser = Browser(limited_app.test_client())
    assert _try(browser, email_of(world, world.agent_id), ip, PASSWORD) == 302
    for _ in range(6):
        _try(Browser(limited_app.test_client()), email_of(world, world.agent_id), ip)
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


def test_nothing_that_was_tried_can_be_read_in_the_database(
    world: World, limited_app: Flask, ip: str
) -> None:
    email = f"somebody{uuid.uuid4().hex}@college.example"
    _try(Browser(limited_app.test_client()), email, ip)
    with world.session():
        rows = "\n".join(db.session.scalars(text("SELECT failed_tries::text FROM failed_tries")).all())
    assert email.encode().hex() not in rows
    assert email not in rows


def test_the_limits_are_held_without_redis(world: World, limited_app: Flask, ip: str) -> None:
    """They are in PostgreSQL, as the accounts are; what Redis counts besides falls back on memory."""
    began, key = time.monotonic(), f"no redis {ip}"
    with limited_app.app_context():
        for _ in range(5):
            tries.begin((Kind.PASSWORD, key))
        with pytest.raises(TooMany):
            tries.begin((Kind.PASSWORD, key))
    # And nobody was kept waiting.
    assert time.monotonic() - began < 5
