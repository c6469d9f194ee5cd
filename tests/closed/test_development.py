"""Development mode is asked for, and only who sits at the machine is in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

import config
from cadence_app import create_app, embedded, supervisor
from cadence_app.accounts.demo_sign_ins import PASSWORD as DEMO_PASSWORD
from cadence_app.accounts.known_devices import NOWHERE
from cadence_app.accounts.models import User
from cadence_app.accounts.signing_in import sign_in
from cadence_app.extensions import db
from cadence_app.preflight import NotReady
from tests.closed.serving import HOST, PUBLIC, Server, serving
from tests.world import World, make_world

FORWARDED = [
    *("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: desk.example", "X-Forwarded-Proto: https"),
    *("X-Forwarded-Anything: 1", "Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9", "Via: 1.1 proxy"),
    *("CF-Connecting-IP: 203.0.113.9", "True-Client-IP: 203.0.113.9", "x-ReAl-Ip: 127.0.0.1", "Via:"),
    *("X-Original-URL: /", "X-Client-IP: ::1", "Fly-Client-IP: 203.0.113.9", "CDN-Loop: cdn"),
]


@pytest.fixture(scope="module")
def local(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As `script/server` runs it on a fresh machine, with the demo."""
    folder = tmp_path_factory.mktemp("local")
    switches = {"CADENCE_DEV_MAILBOX": "1", "CADENCE_DEMO_SIGN_INS": "1"}
    with serving(app, folder, CADENCE_DEVELOPMENT="1", **switches) as server:
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_who_sits_at_the_machine_has_the_pages_and_the_demos_sign_ins(local: Server, host: str) -> None:
    named = f"Host: {host}:{local.port}"
    assert local.get("/dev/mail/", named).status == 200
    assert local.get("/dev/phone/", named).status == 200
    assert DEMO_PASSWORD in local.get("/login", named).body


@pytest.mark.parametrize("header", FORWARDED)
def test_a_proxy_on_the_same_machine_closes_them(local: Server, header: str) -> None:
    named = f"Host: 127.0.0.1:{local.port}"
    assert local.get("/dev/mail/", named, header).status == 404
    assert local.get("/dev/phone/", named, header).status == 404
    page = local.get("/login", named, header)
    assert page.status == 200
    assert DEMO_PASSWORD not in page.body
    assert "/dev/" not in page.body


def test_a_proxy_that_adds_no_header_is_told_by_its_old_http(local: Server) -> None:
    assert local.get("/dev/mail/", f"Host: 127.0.0.1:{local.port}", version="1.0").status == 404


@pytest.mark.parametrize("host", ["desk.example", "127.0.0.1.nip.example", "localhost.example", "0.0.0.0"])
def test_a_host_that_is_not_loopback_is_refused(local: Server, host: str) -> None:
    assert local.get("/dev/mail/", f"Host: {host}").status == 400
    assert local.get("/login", f"Host: {host}").status == 400


def test_a_request_from_another_machine_does_not_have_the_pages(world: World) -> None:
    for address, status in (("127.0.0.1", 200), ("203.0.113.9", 404), ("", 404)):
        answer = world.app.test_client().get("/dev/mail/", environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == status


Settings = Callable[..., dict[str, object]]


@pytest.fixture
def settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the environment makes of itself, with these variables in it."""

    def load(**given: str) -> dict[str, object]:
        monkeypatch.delenv("CADENCE_DEVELOPMENT", raising=False)
        monkeypatch.setenv("CADENCE_DATA_DIR", str(data_dir))
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return config.load()

    return load


def test_it_is_off_unless_asked_for(app: Flask, settings: Settings) -> None:
    names = ("DEVELOPMENT", "DEV_TOOLS", "DEV_MAILBOX", "DEMO_SIGN_INS", "SSO_LOOPBACK")
    found = settings()
    assert [found[name] for name in names] == [False] * 5
    found = settings(CADENCE_DEVELOPMENT="1")
    assert [found[name] for name in names] == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CADENCE_PUBLIC_URL", PUBLIC),
        ("CADENCE_PUBLIC_URL", "http://10.0.0.7"),
        ("CADENCE_TRUSTED_PROXIES", "1"),
        ("CADENCE_HOSTS", "desk.example"),
        ("HOST", "0.0.0.0"),
        ("HOST", "10.0.0.7"),
    ],
)
def test_with_an_address_for_others_it_does_not_start(settings: Settings, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"CADENCE_DEVELOPMENT is on, and .*this machine alone"):
        settings(CADENCE_DEVELOPMENT="1", **{name: value})


@pytest.mark.parametrize("name", ["CADENCE_DEV_TOOLS", "CADENCE_DEV_MAILBOX", "CADENCE_DEMO_SIGN_INS"])
def test_no_switch_opens_a_page_without_it(settings: Settings, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} needs CADENCE_DEVELOPMENT=1"):
        settings(**{name: "1", "CADENCE_PUBLIC_URL": PUBLIC})


def _chosen(monkeypatch: pytest.MonkeyPatch, demo: bool | None, **given: str) -> str:
    for name in ("CADENCE_DEVELOPMENT", "DATABASE_URL", "REDIS_URL", "MAIL_SERVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    supervisor._choose_mode(supervisor.Installation(Path(), "127.0.0.1", 5000, embedded.brought()), demo)
    return os.environ["CADENCE_DEVELOPMENT"]


@pytest.mark.parametrize(
    ("demo", "given", "mode"),
    [
        (None, {}, "1"),
        (False, {}, "0"),
        (None, {"CADENCE_PUBLIC_URL": PUBLIC}, "0"),
        (None, {"CADENCE_TRUSTED_PROXIES": "1"}, "0"),
        (None, {"HOST": "0.0.0.0"}, "0"),
        (None, {"DATABASE_URL": "postgresql:///x"}, "0"),
        (None, {"MAIL_SERVER": "mail.example"}, "0"),
        (None, {"CADENCE_DEVELOPMENT": "0"}, "0"),
        (None, {"CADENCE_DEVELOPMENT": "1", "DATABASE_URL": "postgresql:///x"}, "1"),
        (True, {"DATABASE_URL": "postgresql:///x"}, "1"),
        (False, {"CADENCE_DEVELOPMENT": "1"}, "1"),
    ],
)
def test_script_server_is_in_it_by_itself_only_where_nothing_is_set_for_others(
    monkeypatch: pytest.MonkeyPatch, demo: bool | None, given: dict[str, str], mode: str
) -> None:
    assert _chosen(monkeypatch, demo, **given) == mode


@pytest.mark.parametrize(
    "given", [{"CADENCE_PUBLIC_URL": PUBLIC}, {"HOST": "0.0.0.0"}, {"CADENCE_DEVELOPMENT": "0"}]
)
def test_the_demo_is_not_loaded_for_others(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    with pytest.raises(NotReady, match="passwords that everybody knows"):
        _chosen(monkeypatch, True, **given)


def test_the_demos_password_signs_nobody_in_on_a_public_site(app: Flask, settings: Settings) -> None:
    world = make_world(app, "teams")
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        user.password_hash, email = PasswordHasher().hash(DEMO_PASSWORD), user.email
        db.session.commit()
    assert _sign_in(app, email, "http://127.0.0.1") == 302
    assert _sign_in(app, email, "http://127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}) == 422
    public = create_app(settings(CADENCE_PUBLIC_URL=PUBLIC) | {"RATELIMIT_ENABLED": False})
    assert _sign_in(public, email, f"https://{HOST}") == 422
    # Whoever it belongs to: it is nobody's password there.
    with public.app_context(), public.test_request_context("/", base_url=PUBLIC):
        assert sign_in(email, DEMO_PASSWORD, "203.0.113.9", NOWHERE) is None


def _sign_in(app: Flask, email: str, site: str, headers: dict[str, str] | None = None) -> int:
    client = app.test_client()
    given = {"Referer": f"{site}/login"} | (headers or {})
    page = client.get("/login", base_url=site, headers=given)
    token = re.search(r'name="csrf-token" content="([^"]+)', page.text)
    assert token
    assert DEMO_PASSWORD not in page.text
    form = {"csrf_token": token[1], "email": email, "password": DEMO_PASSWORD}
    return client.post("/login", data=form, base_url=site, headers=given).status_code


@pytest.mark.parametrize(
    ("demo", "chosen", "development"),
    [(True, False, True), (False, False, False), (False, True, True), (True, True, True)],
)
def test_over_data_that_is_not_the_demos_it_is_on_only_where_somebody_said_so(
    settings: Settings, demo: bool, chosen: bool, development: bool
) -> None:
    installation = supervisor.Installation(
        Path(), "127.0.0.1", 5000, frozenset(embedded.Engine), chosen_mode=chosen
    )
    given = supervisor._environment(installation, settings(CADENCE_DEVELOPMENT="1"), demo)
    names = ("CADENCE_DEVELOPMENT", "CADENCE_DEV_TOOLS", "CADENCE_DEV_MAILBOX")
    assert [given[name] for name in names] == [str(int(development))] * 3
    assert given["CADENCE_DEMO_SIGN_INS"] == str(int(development and demo))
