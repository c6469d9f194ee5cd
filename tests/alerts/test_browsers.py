"""A browser is told for as long as its user is signed in there and may be told, by a push service only."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from cadence_app.accounts import passwords
from cadence_app.accounts.models import Tenant, User
from cadence_app.administration import leaving
from cadence_app.alerts import jobs, keys, subscribing
from cadence_app.alerts.models import PushKey, PushNotice
from cadence_app.extensions import db
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.vault import encrypt
from tests.alerts.push_service import Phone, PushService
from tests.alerts.telling import (
    inbox_id,
    let_pass,
    mailed,
    mails,
    note,
    queued,
    send,
    subscriptions,
    sweep,
)
from tests.world import PASSWORD, Browser, World, new_number


def on(world: World, service: PushService, role: str = "agent") -> tuple[Phone, Browser]:
    phone, browser = service.phone(), world.sign_in(role)
    phone.turn_on(browser)
    return phone, browser


def tell(world: World) -> None:
    """A text, and all that it leads to."""
    world.text(new_number(), "Hello")
    sweep(world)


def deactivate(world: World) -> None:
    with world.session():
        admin, agent = (db.session.get_one(User, each) for each in (world.admin_id, world.agent_id))
        leaving.deactivate(admin, agent, {inbox_id(world, world.personal): admin})
        db.session.commit()


def sign_out(world: World, browser: Browser) -> None:
    browser.post("/logout")


def sign_out_everywhere(world: World, browser: Browser) -> None:
    world.sign_in("agent").post("/account/sessions/end-all")


def reset_password(world: World, browser: Browser) -> None:
    with world.session():
        passwords.reset(db.session.get_one(User, world.agent_id), "another horse battery staple")
        db.session.commit()


def leave(world: World, browser: Browser) -> None:
    with world.session():
        admin, agent = (db.session.get_one(User, each) for each in (world.admin_id, world.agent_id))
        leaving.take_away(admin, agent)
        db.session.commit()


@pytest.mark.parametrize("end", [sign_out, sign_out_everywhere, reset_password, leave])
def test_it_ends_with_the_session_in_whatever_way_that_ends(
    end: object, world: World, service: PushService
) -> None:
    phone, browser = on(world, service)
    world.text(new_number(), "Hello")
    with world.app.app_context():
        jobs.sweep_text_notices()
    assert len(queued(world)) == 1
    end(world, browser)  # type: ignore[operator]
    assert subscriptions(world) == []
    assert queued(world) == []
    send(world)
    tell(world)
    assert phone.said == []


def test_a_new_password_ends_it_in_other_browsers_and_not_in_this_one(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    mine, here = on(world, service)
    new = "another horse battery staple"
    here.get("/account/password")
    assert (
        here.post("/account/password", {"current": PASSWORD, "password": new, "again": new}).status_code < 400
    )
    tell(world)
    assert (len(phone.said), len(mine.said)) == (0, 1)


def test_who_is_deactivated_while_a_notice_is_on_the_wire_gets_none_after_it(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    done = threading.Event()

    def answer() -> tuple[int, dict[str, str]]:
        deactivate(world)
        done.set()
        return 201, {}

    phone.answer = answer
    tell(world)
    assert done.is_set()
    assert subscriptions(world) == []
    phone.answer = lambda: (201, {})
    tell(world)
    assert len(phone.said) == 1


def test_a_mail_that_waits_is_taken_back_from_who_is_deactivated(world: World) -> None:
    note(world, world.text(new_number(), "Hello").conversation_id, "@Agent Person please")
    mailed(world)
    deactivate(world)
    (mail,) = mails(world)
    assert (mail.next_attempt_at, mail.text) == (None, "")


def test_who_was_mentioned_and_is_deactivated_has_no_mail(world: World) -> None:
    note(world, world.text(new_number(), "Hello").conversation_id, "@Agent Person please")
    deactivate(world)
    assert mailed(world) == []


def test_a_suspended_organisation_tells_nobody(world: World, service: PushService) -> None:
    phone, _ = on(world, service)
    with world.session():
        now = datetime.now(UTC)
        db.session.execute(update(Tenant).where(Tenant.id == world.tenant_id).values(suspended_at=now))
        db.session.commit()
    tell(world)
    assert phone.said == []
    assert queued(world) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_the_service_does_not_know_any_more_ends(
    status: int, world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    phone.answer = lambda: (status, {})
    tell(world)
    assert subscriptions(world) == []


@pytest.mark.parametrize(("status", "asked"), [(429, 300), (500, 0), (503, 0)])
def test_a_service_that_is_busy_is_tried_again_and_left_alone_for_as_long_as_it_asks(
    status: int, asked: int, world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    phone.answer = lambda: (status, {"retry-after": str(asked)})
    tell(world)
    (notice,) = queued(world)
    assert notice.attempts == 1
    waits = notice.next_attempt_at - datetime.now(UTC)
    assert timedelta(seconds=max(asked, 20) - 5) < waits < timedelta(seconds=max(asked, 40) + 5)
    phone.answer = lambda: (201, {})
    send(world)
    assert phone.said == []
    let_pass(world, PushNotice)
    send(world)
    assert len(phone.said) == 1
    assert queued(world) == []


def test_a_notice_that_is_refused_or_of_no_use_any_more_is_dropped(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    phone.answer = lambda: (400, {})
    tell(world)
    assert queued(world) == []
    phone.answer = lambda: (503, {})
    note(world, world.text(new_number(), "Hello").conversation_id, "@Agent Person please")
    sweep(world)
    with world.session():
        db.session.execute(update(PushNotice).values(useless_after=datetime.now(UTC)))
        db.session.commit()
    let_pass(world, PushNotice)
    phone.answer = lambda: (201, {})
    send(world)
    assert (phone.said, queued(world)) == ([], [])


def test_what_is_queued_while_a_notice_is_on_the_wire_goes_after_it(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    conversation = world.text(new_number(), "Hello").conversation_id

    def answer() -> tuple[int, dict[str, str]]:
        phone.answer = lambda: (201, {})
        note(world, conversation, "@Agent Person and this")
        with world.app.app_context():
            jobs.sweep_for_me_notices()
        return 201, {}

    note(world, conversation, "@Agent Person please")
    phone.answer = answer
    with world.app.app_context():
        jobs.sweep_for_me_notices()
    send(world)
    assert phone.titles == ["You were mentioned in a note in Front desk", "2 things for you"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/send/x",
        "https://fcm.googleapis.com:22/send/x",
        "https://user:secret@fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://push.services.mozilla.com.evil.example/",
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1:8443/",
        "https://[::1]/",
        "https://10.0.0.8/",
        "file:///etc/passwd",
        "",
        "https://fcm.googleapis.com/" + "x" * 2000,
    ],
)
def test_an_address_that_is_no_push_services_is_refused(endpoint: str, world: World) -> None:
    browser = world.sign_in("agent")
    phone = Phone(endpoint)
    assert phone.post(browser, "", phone.given) == 422
    assert subscriptions(world) == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc",
        "https://web.push.apple.com/QABC",
    ],
)
def test_the_addresses_of_browsers_own_services_are_taken(endpoint: str, world: World) -> None:
    phone = Phone(endpoint)
    assert phone.post(world.sign_in("agent"), "", phone.given) == 201
    (row,) = subscriptions(world)
    assert endpoint not in row.endpoint
    assert row.auth.startswith("gAAAAA")


def test_a_push_service_inside_the_network_is_not_reached_although_it_is_named(
    world: World, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, _ = on(world, service)
    monkeypatch.setitem(world.app.config, "DEV_TOOLS", False)
    tell(world)
    assert phone.said == []
    assert subscriptions(world) == []
    assert POLICIES[Kind.PUSH].schemes == {"https"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"p256dh": "AAAA"},
        {"p256dh": "not base64!"},
        {"auth": "AAAA"},
        {"auth": 7},
        {"p256dh": None},
        {"endpoint": ["x"]},
        {"endpoint": "https://web.push.apple.com/\x00"},
    ],
)
def test_keys_that_are_none_are_refused(wrong: dict[str, object], world: World) -> None:
    phone = Phone("https://web.push.apple.com/QABC")
    browser = world.sign_in("agent")
    assert phone.post(browser, "", phone.given | wrong) == 422
    assert phone.post(browser, "", ["x"]) == 422
    assert subscriptions(world) == []


def test_notices_are_turned_on_by_a_page_of_ours_alone(world: World) -> None:
    """The token of the session's own page is asked for."""
    phone, browser = Phone("https://web.push.apple.com/QABC"), world.sign_in("agent")
    answer = browser.client.post("/account/notifications/browsers", json=phone.given)
    assert answer.status_code == 400
    assert subscriptions(world) == []


def test_who_signs_in_next_in_a_browser_gets_neither_the_notices_nor_their_switch(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    admin = world.sign_in("admin")
    answer = admin.client.post(
        "/account/notifications/browsers/here",
        json={"endpoint": phone.endpoint},
        headers={"X-CSRFToken": _token(admin)},
    )
    assert answer.get_json() == {"on": False}
    assert subscriptions(world) == []
    tell(world)
    assert phone.said == []


def test_who_signs_in_again_takes_their_notices_along(world: World, service: PushService) -> None:
    phone, _ = on(world, service)
    again = world.sign_in("agent")
    assert phone.post(again, "/here", {"endpoint": phone.endpoint}) == 200
    again.post("/logout")
    assert subscriptions(world) == []


def test_one_is_turned_off_by_its_user_alone_and_tried_out_by_them(
    world: World, legacy_world: World, service: PushService
) -> None:
    phone, agent = on(world, service)
    (row,) = subscriptions(world)
    for other in (world.sign_in("admin"), legacy_world.sign_in("admin")):
        other.get("/account/notifications")
        assert other.post(f"/account/notifications/browsers/{row.id}/remove").status_code == 404
        assert phone.post(other, "/test", {"endpoint": phone.endpoint}) == 404
    assert phone.post(agent, "/test", {"endpoint": phone.endpoint}) == 202
    send(world)
    assert phone.titles == ["Notices work here"]
    assert "Last notice" in agent.get("/account/notifications").text
    assert agent.post(f"/account/notifications/browsers/{row.id}/remove").status_code == 302
    assert subscriptions(world) == []
    assert phone.post(agent, "/test", {"endpoint": phone.endpoint}) == 404


def test_a_user_has_ten_browsers_at_most_and_the_oldest_makes_room(world: World) -> None:
    browser = world.sign_in("agent")
    for number in range(subscribing.MOST + 2):
        phone = Phone(f"https://web.push.apple.com/{number}")
        assert phone.post(browser, "", phone.given) == 201
    assert len(subscriptions(world)) == subscribing.MOST


def test_the_key_is_made_once_for_each_organisation_and_anew_where_it_can_not_be_read(
    world: World, legacy_world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    with world.session():
        first = keys.public_key()
        assert keys.public_key() == first
    with legacy_world.session():
        assert keys.public_key() != first
    with world.session():
        db.session.execute(update(PushKey).values(private_key=encrypt("x")[:-4] + "AAAA"))
        db.session.commit()
        assert keys.public_key() != first
    tell(world)
    assert phone.said == []


def test_many_at_once_make_one_key(world: World) -> None:
    made = []

    def make() -> None:
        with world.session():
            made.append(keys.public_key())

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1


def test_the_worker_and_the_manifest_are_for_the_whole_site_and_keep_nothing(world: World) -> None:
    client = world.app.test_client()
    worker = client.get("/sw.js")
    assert worker.mimetype == "text/javascript"
    assert worker.headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in worker.headers["Content-Security-Policy"]
    assert "caches" not in worker.text
    assert '"fetch"' not in worker.text
    manifest = client.get("/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    said = manifest.get_json(force=True)
    assert said["display"] == "standalone"
    assert {icon["purpose"] for icon in said["icons"]} == {"any", "maskable"}
    for icon in said["icons"]:
        assert client.get(icon["src"]).mimetype == "image/png"
    assert 'rel="manifest"' in client.get("/login").text


def _token(browser: Browser) -> str:
    browser.get("/account/notifications")
    return browser.token
