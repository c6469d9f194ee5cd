"""A request for a host that is not ours is refused on every path, as it comes on the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

import config
from cadence_app.hosts import host_of
from tests.closed.serving import HOST, PUBLIC, Server, serving

ALIAS = "texts.college.example"
REFUSED = 400


@pytest.fixture(scope="module")
def public(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Behind a proxy on this machine that nobody told Cadence of."""
    folder = tmp_path_factory.mktemp("public")
    with serving(app, folder, CADENCE_PUBLIC_URL=PUBLIC, CADENCE_HOSTS=ALIAS) as server:
        yield server


@pytest.mark.parametrize(
    "host",
    [
        *(HOST, HOST.upper(), f"{HOST}:443", f"{HOST}:8443", ALIAS),
    ],
)
def test_its_own_names_are_answered_with_any_port(public: Server, host: str) -> None:
    assert public.get("/login", f"Host: {host}").status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", f"{HOST}.evil.example", f"evil.{HOST}", f"{HOST}.", f"evil@{HOST}", f"{HOST}@evil"),
        *(f"{HOST}:", f"{HOST}:port", f"{HOST}:99999", f"{HOST}:80:80", f"{HOST}/", f"{HOST}, evil.example"),
        *("127.0.0.1", "localhost", "[::1]", "10.0.0.7", "", f"[{HOST}]", f"{HOST}\t.evil", "\u00e9.example"),
    ],
)
def test_another_host_is_refused(public: Server, host: str) -> None:
    answer = public.get("/login", f"Host: {host}")
    assert answer.status == REFUSED
    assert "csrf" not in answer.body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", "/"),
            ("GET", "/login"),
            ("POST", "/login"),
            ("GET", "/media/x"),
            ("GET", "/api/v1/contacts"),
        ),
        *(("POST", "/webhooks/twilio/key"), ("GET", "/static/css/app.css"), ("GET", "/dev/mail/")),
        *(("GET", "/healthz"), ("OPTIONS", "*"), ("GET", "/no-such-page"), ("GET", "/healthz/../login")),
    ],
)
def test_no_path_is_an_exception(public: Server, method: str, path: str) -> None:
    body = "\nContent-Length: 0" if method == "POST" else ""
    answer = public.say(f"{method} {path} HTTP/1.1\nHost: evil.example\nConnection: close{body}")
    assert answer.status == REFUSED


@pytest.mark.parametrize(
    ("hosts", "version"),
    [
        ([], "1.1"),
        ([], "1.0"),
        ([HOST, "evil.example"], "1.1"),
        (["evil.example", HOST], "1.1"),
        ([HOST, HOST], "1.1"),
    ],
)
def test_none_or_two_hosts_are_refused(public: Server, hosts: list[str], version: str) -> None:
    answer = public.get("/login", *(f"Host: {host}" for host in hosts), version=version)
    assert answer.status == REFUSED


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (f"http://{HOST}/login", HOST, 200),
        ("http://evil.example/login", HOST, REFUSED),
        (f"http://{HOST}/login", "evil.example", REFUSED),
        (f"http://evil@{HOST}/login", HOST, REFUSED),
        ("http://[::1/login", HOST, REFUSED),
        (f"//evil.example/{HOST}", HOST, 404),
    ],
)
def test_a_target_that_is_a_whole_address_counts_as_a_host_too(
    public: Server, target: str, host: str, status: int
) -> None:
    assert public.get(target, f"Host: {host}").status == status


def test_nobody_makes_a_host_known_by_a_header_of_proxies(public: Server) -> None:
    headers = (f"X-Forwarded-Host: {HOST}", f"X-Host: {HOST}", f"Forwarded: host={HOST}")
    assert public.get("/login", "Host: evil.example", *headers).status == REFUSED
    # And a known one is not changed by them.
    assert public.get("/login", f"Host: {HOST}", "X-Forwarded-Host: evil.example").status == 200


@pytest.mark.parametrize("host", ["10.0.0.7:8080", "127.0.0.1", "[fd00::7]:80", "localhost:5000", None])
def test_health_is_asked_for_by_address_as_localhost_or_without_a_host(
    public: Server, host: str | None
) -> None:
    headers = [f"Host: {host}"] if host else []
    answer = public.get("/healthz", *headers, version="1.1" if host else "1.0")
    assert (answer.status, "database" in answer.body) == (200, True)
    # That is for this one page.
    assert public.get("/login", *headers, version="1.1" if host else "1.0").status == REFUSED


def test_a_refused_host_is_in_the_log_once_and_on_one_line(public: Server) -> None:
    for _ in range(2):
        public.get("/login", "Host: noted.example")
    assert public.log.read_text().count("noted.example") == 1


def test_a_proxy_that_no_setting_tells_of_is_in_the_log_once(public: Server) -> None:
    for _ in range(2):
        public.get("/login", f"Host: {HOST}", "X-Forwarded-For: 203.0.113.9")
    assert public.log.read_text().count("CADENCE_TRUSTED_PROXIES is 0") == 1


@pytest.mark.parametrize("path", ["/dev/mail/", "/dev/phone/", "/dev/mail/1"])
def test_a_public_site_has_no_development_pages(public: Server, path: str) -> None:
    assert public.get(path, f"Host: {HOST}").status == 404


def test_https_that_a_proxy_nobody_told_of_claims_is_not_believed(public: Server) -> None:
    # gunicorn would believe one on this machine.
    answer = public.get("/login", f"Host: {HOST}", "X-Forwarded-Proto: http", "X-Forwarded-Ssl: on")
    assert answer.status == 200


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("A.example:80", "a.example"),
        ("[::1]:5000", "::1"),
        ("a.example.", ""),
        ("a.example\n", ""),
        ("a b", ""),
        ("\u0661\u0662.example:1", ""),
        ("a.example:\u0661", ""),
    ],
)
def test_a_host_is_read_without_port_and_in_lower_case(header: str, host: str) -> None:
    assert host_of(header) == host


def test_a_name_that_containers_have_among_each_other_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCE_HOSTS", "cadence_web")
    assert host_of("cadence_web:5000") in config.site(None).hosts


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CADENCE_PUBLIC_URL": "desk.college.example"}, "must be like https://"),
        ({"CADENCE_PUBLIC_URL": "https://a@desk.example"}, "must be like https://"),
        ({"CADENCE_PUBLIC_URL": "https://desk.example:port"}, "which is no address"),
        ({"CADENCE_HOSTS": "https://desk.example"}, "without scheme and port"),
        ({"CADENCE_HOSTS": "*"}, "must be the name of a host"),
    ],
)
def test_a_setting_that_names_no_host_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], says: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=says):
        config.site(None)
