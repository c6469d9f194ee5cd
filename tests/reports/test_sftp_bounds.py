"""What an SFTP server may take of us: its silence, its time and its bytes have an end."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from flask import Flask

from cadence_app.outbound.networks_setting import networks_of
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.reports.destinations import sftp
from cadence_app.reports.destinations.problems import DeliveryProblem
from cadence_app.reports.destinations.sftp import SftpPlace, SftpStore, fetch_host_key
from tests.outbound.answering import speaking
from tests.reports.servers import PASSWORD, USER, SftpHost, sftp_serving


@pytest.fixture(autouse=True)
def in_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(app.config, "PRIVATE_DESTINATIONS", networks_of("X", "127.0.0.1"))
    with app.app_context():
        yield


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SftpHost]:
    with sftp_serving(SftpHost(tmp_path)) as serving:
        yield serving


def _bound(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    monkeypatch.setitem(POLICIES, Kind.SFTP, replace(POLICIES[Kind.SFTP], **changed))


def _store(host: SftpHost) -> SftpStore:
    return SftpStore(SftpPlace("127.0.0.1", host.port, USER, "", by_key=False), PASSWORD, host.host_key)


def _problem(act: Callable[[], object]) -> str:
    began = time.monotonic()
    with pytest.raises(DeliveryProblem) as problem:
        act()
    assert time.monotonic() - began < 5
    return str(problem.value)


def test_a_server_that_never_signs_in_is_given_up(monkeypatch: pytest.MonkeyPatch, host: SftpHost) -> None:
    monkeypatch.setattr(sftp, "_SIGN_IN_SECONDS", 0.2)
    _bound(monkeypatch, connect_seconds=0.2)
    over = threading.Event()

    def greet() -> Iterator[bytes]:
        yield b"SSH-2.0-quiet\r\n"
        over.wait(10)

    with speaking(greet()) as server:
        quiet = replace(host, port=server.port)
        assert _problem(lambda: _store(quiet).try_out("a.txt", b"a"))
    with speaking(greet()) as server:
        assert "did not answer" in _problem(lambda: fetch_host_key("127.0.0.1", server.port))
    over.set()


def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch, host: SftpHost) -> None:
    monkeypatch.setattr(sftp, "_ALIVE_SECONDS", 0.1)
    monkeypatch.setattr(sftp, "_ALIVE_TIMES", 2)
    over = threading.Event()

    def hang(*_: object) -> int:
        # The whole server: it answers nobody who asks whether it is there, either.
        over.wait(5)
        return 0

    monkeypatch.setattr(asyncssh.SFTPServer, "write", hang)
    said = _problem(lambda: _store(host).put("a.csv", [b"x" * 1000], 1000, "a.csv.part"))
    over.set()
    assert "broke off" in said


def test_a_server_that_is_there_and_never_done_has_one_time_for_the_whole(
    monkeypatch: pytest.MonkeyPatch, host: SftpHost
) -> None:
    monkeypatch.setattr(sftp, "_ALIVE_SECONDS", 0.1)
    _bound(monkeypatch, seconds=0.6)

    async def stall(*_: object) -> int:
        await asyncio.sleep(5)
        return 0

    monkeypatch.setattr(asyncssh.SFTPServer, "write", stall)
    said = _problem(lambda: _store(host).put("a.csv", [b"x" * 1000], 1000, "a.csv.part"))
    assert "did not answer" in said


def test_a_server_that_talks_without_end_is_cut(monkeypatch: pytest.MonkeyPatch, host: SftpHost) -> None:
    _bound(monkeypatch, most_bytes=200_000)
    sent: list[int] = []

    async def chatter(server: asyncssh.SFTPServer, *_: Any) -> int:
        # Messages that a client reads and forgets (RFC 4253, section 11.3).
        for _each in range(400):
            server.channel.get_connection().send_debug("x" * 20_000)
            sent.append(20_000)
            await asyncio.sleep(0)
        return 0

    monkeypatch.setattr(asyncssh.SFTPServer, "write", chatter)
    said = _problem(lambda: _store(host).put("a.csv", [b"x" * 1000], 1000, "a.csv.part"))
    assert "answered more than it should" in said
    assert sent


def test_a_greeting_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    _bound(monkeypatch, most_bytes=100_000)
    with speaking(itertools.repeat(b"x" * 1000 + b"\r\n")) as server:
        assert _problem(lambda: fetch_host_key("127.0.0.1", server.port))


def test_a_large_file_has_room_for_what_its_server_says_of_it(
    monkeypatch: pytest.MonkeyPatch, host: SftpHost
) -> None:
    """Written and read again, the sixteenth part of the file is more than ever comes back beside it."""
    _bound(monkeypatch, most_bytes=20_000)
    content = b"x" * 8_000_000
    _store(host).put("large.csv", [content], len(content), "large.part")
    assert (host.folder / "large.csv").stat().st_size == len(content)
    digest = hashlib.sha256(content).hexdigest()
    assert _store(host).holds("large.csv", len(content), digest) is True


def test_no_name_is_looked_up_again(monkeypatch: pytest.MonkeyPatch, host: SftpHost) -> None:
    usual, said = socket.getaddrinfo, ["127.0.0.1", "127.0.0.2"]

    def look_up(name: str, port: int, *rest: Any, **more: Any) -> Any:
        return usual(said.pop(0) if name == "sftp.example" else name, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    place = SftpPlace("sftp.example", host.port, USER, "", by_key=False)
    SftpStore(place, PASSWORD, host.host_key).try_out("a.txt", b"a")
    assert said == ["127.0.0.2"]
