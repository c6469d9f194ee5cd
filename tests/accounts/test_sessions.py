"""Sessions are kept in the database: a cookie opens one only while it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update

from cadence_app.accounts import sessions
from cadence_app.accounts.devices import in_words
from cadence_app.accounts.jobs import sweep_sessions
from cadence_app.accounts.models import AuditEntry, User
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.extensions import db
from tests.world import Browser, World

_WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


def _cookie(browser: Browser) -> str:
    cookie = browser.client.get_cookie("session")
    assert cookie
    return cookie.value


def _is_signed_in(browser: Browser) -> bool:
    answer = browser.get("/account/")
    return answer.status_code == 200


def _set(world: World, **values: object) -> None:
    with world.session():
        db.session.execute(update(SignInSession).values(**values))
        db.session.commit()


def _rows(world: World) -> list[SignInSession]:
    with world.session():
        rows = list(db.session.scalars(select(SignInSession).order_by(SignInSession.id)))
        db.session.expunge_all()
        return rows


def test_the_cookie_of_a_session_that_was_signed_out_opens_nothing(world: World) -> None:
    browser = world.sign_in("agent")
    kept = _cookie(browser)
    assert browser.post("/logout").status_code == 302
    thief = Browser(world.app.test_client())
    thief.client.set_cookie("session", kept)
    assert thief.get("/messages/").headers["Location"].startswith("/login")


def test_the_database_holds_no_key_that_a_cookie_could_be_made_of(world: World) -> None:
    browser = world.sign_in("agent")
    with browser.client.session_transaction() as cookie:
        key = cookie["sign_in"]
        assert str(world.agent_id) not in map(str, cookie.values())
    (row,) = _rows(world)
    assert key.encode() not in row.key_hash
    assert row.ended_at is None


@pytest.mark.parametrize(
    "over",
    [
        {"last_seen_at": func.now() - timedelta(minutes=721)},
        {"created_at": func.now() - timedelta(days=7, minutes=1)},
        {"ended_at": func.now()},
    ],
    ids=["idle", "old", "ended"],
)
def test_a_session_that_is_over_opens_nothing_and_is_not_brought_back(
    world: World, over: dict[str, object]
) -> None:
    browser = world.sign_in("agent")
    assert _is_signed_in(browser)
    _set(world, **over)
    assert not _is_signed_in(browser)
    assert not _is_signed_in(browser)


def test_use_is_noted_once_a_minute_and_not_for_a_page_that_asks_by_itself(world: World) -> None:
    browser = world.sign_in("agent")
    conversation_id = world.text("+12125550111", "hi").conversation_id
    (before,) = _rows(world)
    _is_signed_in(browser)
    assert _rows(world)[0].last_seen_at == before.last_seen_at
    _set(world, last_seen_at=func.now() - timedelta(minutes=5))
    (before,) = _rows(world)
    browser.get(f"/messages/conversations/{conversation_id}/fresh?version=x")
    assert _rows(world)[0].last_seen_at == before.last_seen_at
    assert _is_signed_in(browser)
    assert _rows(world)[0].last_seen_at > before.last_seen_at


def test_knowing_who_asks_takes_three_statements_after_the_one_that_begins(world: World) -> None:
    browser = world.sign_in("agent")
    with browser.client.session_transaction() as cookie:
        key = cookie["sign_in"]
    statements: list[str] = []
    with world.app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
        found = sessions.find(key)
        assert found
        assert found.user.tenant.name == world.name
    begins, finds, sets, reads = statements
    assert "set_config('role'" in begins
    assert "find_sign_in_session" in finds
    assert "set_config('cadence.tenant_id'" in sets
    assert "FROM sign_in_sessions" in reads


def test_a_user_sees_their_sessions_and_ends_one_of_them(world: World) -> None:
    browser, other = world.sign_in("agent"), Browser(world.app.test_client())
    with world.session():
        email = db.session.get_one(User, world.agent_id).email
    other.post(
        "/login",
        {"email": email, "password": "correct horse battery"},
        token_from="/login",
        headers={"User-Agent": _WINDOWS},
    )
    page = browser.get("/account/sessions").text
    assert page.count("This one") == 1
    assert "Chrome on Windows" in page
    assert "127.0.0.1" in page
    mine, others = _rows(world)
    assert browser.post(f"/account/sessions/{others.id}/end").status_code == 302
    assert not _is_signed_in(other)
    assert _is_signed_in(browser)
    assert browser.post(f"/account/sessions/{mine.id}/end").headers["Location"] == "/login"
    assert not _is_signed_in(browser)


def test_nobody_ends_a_session_of_somebody_else(world: World, legacy_world: World) -> None:
    agent, admin, stranger = world.sign_in("agent"), world.sign_in("admin"), legacy_world.sign_in("admin")
    of_agent = _rows(world)[0]
    for browser in (admin, stranger):
        assert browser.post(f"/account/sessions/{of_agent.id}/end").status_code == 404
    assert admin.post(f"/account/sessions/{'9' * 20}/end").status_code == 404
    assert _is_signed_in(agent)


def test_signing_out_everywhere_ends_every_session_of_the_user_alone(world: World) -> None:
    browsers = [world.sign_in("agent") for _ in range(2)]
    admin = world.sign_in("admin")
    assert browsers[0].post("/account/sessions/end-all").status_code == 302
    assert [_is_signed_in(browser) for browser in (*browsers, admin)] == [False, False, True]


def test_a_user_who_is_not_active_any_more_is_signed_out(world: World) -> None:
    browser = world.sign_in("agent")
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        user.active = False
        assert sessions.end_all(user) == 1
        db.session.commit()
    assert not _is_signed_in(browser)


def test_signing_in_is_in_the_audit_log(world: World) -> None:
    world.sign_in("agent")
    with world.session():
        entry = db.session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.user_id) == ("user.signed_in", world.agent_id)
        assert entry.subject.startswith("Password, ")


def test_old_sessions_are_swept_and_young_ones_stay(world: World) -> None:
    world.sign_in("agent")
    world.sign_in("admin")
    _set(world, last_seen_at=func.now() - timedelta(days=38))
    browser = world.sign_in("agent")
    with world.app.app_context():
        sweep_sessions()
    assert len(_rows(world)) == 1
    assert _is_signed_in(browser)


@pytest.mark.parametrize("key", ["", "x", "\x00", 7, None, ["a"]])
def test_an_odd_key_opens_nothing(world: World, key: object) -> None:
    browser = Browser(world.app.test_client())
    with browser.client.session_transaction() as cookie:
        cookie["sign_in"] = key
    assert browser.get("/messages/").headers["Location"].startswith("/login")


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (_WINDOWS, "Chrome on Windows"),
        (_WINDOWS + " Edg/142.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on Mac"),
        ("curl/8.1", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_device_is_told_in_plain_words(user_agent: str, words: str) -> None:
    assert in_words(user_agent) == words
