"""What browsers are told on a site that is reached over https, for every route; and on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

import config
from cadence_app import create_app
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from tests.closed.browsers import missing_headers
from tests.closed.serving import HOST, PUBLIC
from tests.world import PASSWORD, Browser, World, make_world

YEAR = "max-age=31536000"


def _application(data_dir: Path, **settings: str) -> Flask:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CADENCE_DATA_DIR", str(data_dir))
        patched.delenv("CADENCE_DEVELOPMENT")
        for name, value in settings.items():
            patched.setenv(name, value)
        app = create_app(config.load() | {"RATELIMIT_ENABLED": False})
    # Where the test client goes; the application itself reads neither.
    site = settings["CADENCE_PUBLIC_URL"]
    app.config["PREFERRED_URL_SCHEME"], _, app.config["SERVER_NAME"] = site.partition("://")
    # The client sends no Referer.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    return app


@pytest.fixture(scope="module")
def public(app: Flask, data_dir: Path) -> Flask:
    return _application(data_dir, CADENCE_PUBLIC_URL=PUBLIC)


@pytest.fixture(scope="module")
def browsers(app: Flask, public: Flask) -> list[Browser]:
    """Signed out, and an admin."""
    world = replace(make_world(app, "teams"), app=public)
    return [Browser(public.test_client()), world.sign_in("admin")]


def _addresses(app: Flask) -> Iterator[tuple[str, str]]:
    """Each method and address of the app, with something in the place of what varies."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield method, _filled(rule)


def _filled(rule: Rule) -> str:
    address = rule.rule.replace("<path:filename>", "css/app.css")
    return re.sub(r"<int:\w+>", "1", re.sub(r"<(?!int:)[^>]+>", "none", address))


def test_every_route_tells_browsers_what_they_must_know(public: Flask, browsers: list[Browser]) -> None:
    addresses = list(_addresses(public))
    assert len(addresses) > 250
    for browser in browsers:
        for method, address in addresses:
            if address in {"/logout", "/account/sessions/end-all"}:
                continue
            answer = browser.client.open(address, method=method)
            assert missing_headers(answer) == [], (method, address)
            assert answer.headers["Strict-Transport-Security"] == YEAR, (method, address)
            for cookie in answer.headers.getlist("Set-Cookie"):
                assert _is_locked(cookie), (method, address, cookie)
            answer.close()


def test_a_page_that_is_not_there_tells_them_too(browsers: list[Browser]) -> None:
    for address in ("/no-such-page", "/static/none.css", "/dev/mail/", "/api/v1/none"):
        answer = browsers[0].client.get(address)
        assert (answer.status_code, missing_headers(answer)) == (404, [])


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_no_other_site_is_let_in_by_its_origin(browsers: list[Browser], origin: str) -> None:
    for address in ("/", "/messages/", "/api/v1/contacts", "/api/v1/openapi.json", "/static/css/app.css"):
        for method in ("GET", "OPTIONS"):
            asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
            answer = browsers[1].client.open(address, method=method, headers=asked)
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
            answer.close()
    # Nor does the site's own name in it stand for a form's token.
    assert browsers[1].client.post("/logout", headers={"Origin": PUBLIC}).status_code == 400


def test_no_folder_is_listed_and_no_method_is_taken_that_no_page_has(browsers: list[Browser]) -> None:
    for browser in browsers:
        assert [browser.get(address).status_code for address in ("/static/", "/static/css/")] == [404, 404]
        for method in ("TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "PROPFIND"):
            for address in ("/login", "/messages/", "/healthz", "/static/css/app.css"):
                assert browser.client.open(address, method=method).status_code == 405, (method, address)


def _is_locked(cookie: str) -> bool:
    """RFC 6265bis, section 4.1.3.2: what a browser asks of a cookie of such a name."""
    name, *rest = [part.strip() for part in cookie.split(";")]
    attributes = {part.lower() for part in rest}
    domain = any(part.startswith("domain=") for part in attributes)
    safe = {"secure", "path=/", "httponly", "samesite=lax"} <= attributes
    return name.startswith("__Host-") and safe and not domain


def test_the_cookie_of_a_sign_in_is_locked_to_the_host(app: Flask, public: Flask) -> None:
    world = replace(make_world(app, "teams"), app=public)
    browser = Browser(public.test_client())
    with world.session():
        email = db.session.get_one(User, world.agent_id).email
    answer = browser.post("/login", {"email": email, "password": PASSWORD}, token_from="/login")
    assert answer.status_code == 302
    assert all(map(_is_locked, answer.headers.getlist("Set-Cookie")))
    assert browser.client.get_cookie("__Host-session", domain=HOST)
    assert not browser.client.get_cookie("session", domain=HOST)
    # A neighbour's cookie of the plain name, which it can put there, is none of ours.
    thief = Browser(public.test_client())
    kept = browser.client.get_cookie("__Host-session", domain=HOST)
    assert kept
    thief.client.set_cookie("session", kept.value, domain=HOST)
    assert thief.get("/messages/").status_code == 302


def test_every_cookie_has_the_name_for_https(public: Flask) -> None:
    names = {name: value for name, value in public.config.items() if name.endswith("COOKIE_NAME")}
    assert set(names) >= {"SESSION_COOKIE_NAME", "REMEMBER_COOKIE_NAME"}
    assert all(value.startswith("__Host-") for value in names.values())
    assert public.config["COOKIE_PREFIX"] == "__Host-"
    assert all(public.config[name.replace("NAME", "SECURE")] for name in names)


def test_on_this_machine_cookies_have_plain_names_and_no_https_is_asked_for(world: World) -> None:
    browser = world.sign_in("agent")
    assert browser.client.get_cookie("session")
    answer = browser.get("/messages/")
    assert missing_headers(answer) == []
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(
    ("settings", "forwarded", "told"),
    [
        ({}, None, YEAR),
        ({"CADENCE_TRUSTED_PROXIES": "1"}, "https", YEAR),
        ({"CADENCE_TRUSTED_PROXIES": "1"}, "http", None),
        ({"CADENCE_TRUSTED_PROXIES": "1"}, None, None),
        ({"CADENCE_HSTS_SUBDOMAINS": "1"}, None, f"{YEAR}; includeSubDomains"),
        ({"CADENCE_PUBLIC_URL": f"http://{HOST}"}, None, None),
    ],
)
def test_https_is_asked_for_over_https_alone(
    app: Flask, data_dir: Path, settings: dict[str, str], forwarded: str | None, told: str | None
) -> None:
    reached = _application(data_dir, **({"CADENCE_PUBLIC_URL": PUBLIC} | settings))
    headers = {"X-Forwarded-Proto": forwarded} if forwarded else {}
    answer = reached.test_client().get("/login", base_url=f"http://{HOST}", headers=headers)
    assert answer.headers.get("Strict-Transport-Security") == told
