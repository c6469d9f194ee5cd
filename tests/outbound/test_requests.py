"""Requests through the gate against servers that are really there and mean no good."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from cadence_app.outbound import guarded_http
from cadence_app.outbound.gate import Failure
from cadence_app.outbound.guarded_http import NoAnswer
from cadence_app.outbound.networks_setting import networks_of
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.outbound.posting import Outgoing, Poster
from tests.conftest import free_port
from tests.outbound.answering import answer_of, answering

KIND = Kind.SINGLE_SIGN_ON
_MOST = POLICIES[KIND].most_bytes


@pytest.fixture(autouse=True)
def in_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setitem(app.config, "SSO_LOOPBACK", True)
    with app.app_context():
        yield app


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole may take a moment only."""
    for kind in (KIND, Kind.WEBHOOK):
        monkeypatch.setitem(POLICIES, kind, replace(POLICIES[kind], seconds=0.15))


def _failure(url: str, kind: Kind = KIND, **options: Any) -> NoAnswer:
    with pytest.raises(NoAnswer) as raised:
        guarded_http.request(kind, "GET", url, **options)
    return raised.value


def test_an_answer_is_read_plain_and_compressed() -> None:
    said = b'{"a": "' + b"x" * 10_000 + b'"}'
    raw = zlib.compressobj(wbits=-15)
    for body, encoding in (
        (said, "identity"),
        (gzip.compress(said), "gzip"),
        (zlib.compress(said), "deflate"),
    ):
        with answering([answer_of(body, f"Content-Encoding: {encoding}")]) as server:
            answer = guarded_http.request(KIND, "GET", server.url)
            assert (answer.status_code, answer.content) == (200, said)
    garbled = (
        (gzip.compress(said)[:-20], "gzip"),
        (b"not gzip", "gzip"),
        (raw.compress(said), "br"),
        (gzip.compress(said), "gzip, gzip"),
    )
    for body, encoding in garbled:
        with answering([answer_of(body, f"Content-Encoding: {encoding}")]) as server:
            assert _failure(server.url).failure == Failure.PROTOCOL


def test_a_few_bytes_that_stand_for_very_many_are_unpacked_up_to_the_bound_only() -> None:
    bomb = gzip.compress(bytes(60 * 1024 * 1024), 1)
    assert len(bomb) < _MOST
    with answering([answer_of(bomb, "Content-Encoding: gzip")]) as server:
        before = _peak_memory()
        assert _failure(server.url).failure == Failure.SIZE
        assert _peak_memory() - before < 8 * 1024 * 1024


def test_an_answer_without_end_is_cut_at_the_bound() -> None:
    endless = itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x" * 65536))
    with answering(endless) as server:
        assert _failure(server.url).failure == Failure.SIZE
    with answering([answer_of(b"x" * _MOST)]) as server:
        assert len(guarded_http.request(KIND, "GET", server.url).content) == _MOST
    with answering([answer_of(b"x" * (_MOST + 1))]) as server:
        assert _failure(server.url).failure == Failure.SIZE


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nA: ", b"HTTP/1.1 200 "])
def test_headers_without_end_are_cut(start: bytes) -> None:
    line = b"A-Header: of-some-length\r\n" * 1000 if start.endswith(b"\n") else b"x" * 65536
    with answering(itertools.chain([start], itertools.repeat(line))) as server:
        assert _failure(server.url).failure == Failure.PROTOCOL


@pytest.mark.parametrize(
    "begin", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_who_answers_a_byte_at_a_time_gets_no_more_than_the_whole_time(quick: None, begin: bytes) -> None:
    over = threading.Event()

    def drip() -> Iterator[bytes]:
        yield begin
        while not over.wait(0.02):
            yield b"x"

    with answering(drip()) as server:
        began = time.monotonic()
        assert _failure(server.url).failure == Failure.TIME
        assert time.monotonic() - began < 2
        over.set()


def test_interim_answers_without_end_are_cut_by_the_time(quick: None) -> None:
    with answering(itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")) as server:
        assert _failure(server.url).failure == Failure.TIME


def test_all_requests_of_an_exchange_share_its_time() -> None:
    with (
        answering([answer_of()]) as server,
        guarded_http.client(KIND, until=time.monotonic() - 1) as asking,
        pytest.raises(NoAnswer) as raised,
    ):
        asking.get(server.url)
    assert (raised.value.failure, raised.value.sent, server.taken) == (Failure.CONNECT_TIME, False, [])


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:{other}/", "//127.0.0.2/"]
)
def test_a_redirect_is_an_answer_and_is_not_followed(location: str) -> None:
    with answering([answer_of()]) as other:
        to = f"Location: {location.format(other=other.port)}"
        with answering([answer_of(b"x", to, status="302 Found")]) as server:
            assert guarded_http.request(KIND, "GET", server.url).status_code == 302
        assert other.taken == []


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers otherwise the second time, or puts a private address beside another."""
    monkeypatch.setitem(in_app.config, "PRIVATE_DESTINATIONS", networks_of("X", "127.0.0.1"))
    said: list[list[str]] = []
    usual = socket.getaddrinfo

    def rebinding(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != "rebinding.example":
            return usual(host, port, *rest, **more)
        return [entry for address in said.pop(0) for entry in usual(address, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    port = free_port()
    with (
        answering([answer_of(b"mine")], "127.0.0.1", port) as mine,
        answering([answer_of(b"theirs")], "127.0.0.2", port) as theirs,
    ):
        url = f"http://rebinding.example:{port}/"
        said[:] = [["127.0.0.1"], ["127.0.0.2"]]
        assert guarded_http.request(Kind.S3, "GET", url).content == b"mine"
        assert said == [["127.0.0.2"]]
        assert _failure(url, Kind.S3).failure == Failure.REFUSED
        for both in (["127.0.0.1", "127.0.0.2"], ["127.0.0.1", "169.254.169.254"], ["127.0.0.1", "::1"]):
            said[:] = [both]
            assert _failure(url, Kind.S3).failure == Failure.REFUSED
        assert (len(mine.taken), theirs.taken) == (1, [])
        assert f"Host: rebinding.example:{port}".encode() in mine.taken[0]


def test_a_name_server_that_does_not_answer_gets_no_more_than_the_time_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [][: over.wait(10)])
    monkeypatch.setitem(POLICIES, KIND, replace(POLICIES[KIND], connect_seconds=0.05))
    found = _failure("https://slow.example/")
    over.set()
    assert (found.failure, found.sent) == (Failure.CONNECT_TIME, False)


def test_a_proxy_and_a_password_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering([answer_of(b"proxy")]) as proxy, answering([answer_of(b"server")]) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert guarded_http.request(KIND, "GET", server.url).content == b"server"
        with Poster(Kind.WEBHOOK) as poster:
            (reply,) = poster.post([Outgoing(server.url, {}, "{}")])
        assert (reply.status, reply.body, proxy.taken) == (200, b"server", [])


def test_calls_to_carriers_go_by_the_proxy_that_an_operator_gives_and_no_others_do(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering([answer_of(b"proxy")]) as proxy, answering([answer_of(b"server")]) as server:
        monkeypatch.setitem(in_app.config, "CARRIER_PROXY", proxy.url)
        assert guarded_http.request(Kind.CARRIER, "GET", server.url).content == b"proxy"
        assert proxy.taken[0].startswith(f"GET {server.url} HTTP/1.1".encode())
        assert guarded_http.request(KIND, "GET", server.url).content == b"server"


def test_what_is_refused_or_away_was_surely_not_sent() -> None:
    for url, failure in (
        ("https://10.0.0.1/", Failure.REFUSED),
        ("https://[::ffff:169.254.169.254]/", Failure.REFUSED),
        ("https://nowhere.invalid/", Failure.NOT_FOUND),
        (f"http://127.0.0.1:{free_port()}/", Failure.CLOSED),
    ):
        found = _failure(url)
        assert (found.failure, found.sent) == (failure, False)
    with answering([]) as server:
        assert _failure(server.url).sent


def test_posts_are_bounded_too(quick: None, in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a receiver answers beyond the first kilobyte is not read, nor is it waited for."""
    endless = itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x" * 65536))
    over = threading.Event()

    def drip() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        while not over.wait(0.02):
            yield b"x"

    with answering(endless) as large, answering(drip()) as slow, Poster(Kind.WEBHOOK) as poster:
        urls = [large.url, slow.url, "https://169.254.169.254/", "http://me@127.0.0.1/", "https://0x7f.1/"]
        replies = poster.post([Outgoing(url, {}, "{}") for url in urls])
        over.set()
    assert (replies[0].status, replies[0].body) == (200, b"x" * 1024)
    assert [reply.failure for reply in replies[1:]] == [Failure.TIME, *[Failure.REFUSED] * 3]


def _peak_memory() -> int:
    """The most bytes that this process has had in memory so far."""
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
