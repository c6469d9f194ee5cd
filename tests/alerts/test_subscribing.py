"""What a browser gives is taken only if it is a push service's address with keys; our key is made once."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update

from cadence_app.alerts import keys, subscribing
from cadence_app.alerts.models import PushKey
from cadence_app.extensions import db
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.vault import encrypt
from tests.alerts.push_service import Phone, PushService
from tests.alerts.telling import on, subscriptions, tell
from tests.world import World


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
