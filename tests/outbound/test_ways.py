"""The libraries that speak for themselves do so by the gate: storage, SFTP and mail."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from flask_mail import Message

from cadence_app.mails import smtp
from cadence_app.outbound.gate import NotConnected, Target
from cadence_app.outbound.narrow_way import NarrowWay
from cadence_app.outbound.networks_setting import networks_of
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.reports.destinations import s3
from cadence_app.reports.destinations.problems import DeliveryProblem
from cadence_app.reports.destinations.s3 import BucketStore, S3Place
from tests.conftest import free_port
from tests.outbound.answering import answer_of, answering
from tests.outbound.certificates import certificate_for
from tests.reports.servers import KEY_ID, SECRET_KEY, s3_serving
from tests.smtp import Taking

_NAME = "storage.example"


@pytest.fixture(autouse=True)
def in_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setitem(app.config, "PRIVATE_DESTINATIONS", networks_of("X", "127.0.0.1"))
    with app.app_context():
        yield app


def _store(endpoint: str, secret: str = SECRET_KEY) -> BucketStore:
    return BucketStore(S3Place(endpoint, "us-east-1", "bucket", "", KEY_ID), secret)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("storage")
    (folder / "bucket").mkdir()
    with s3_serving(folder) as url:
        yield url, folder / "bucket"


def test_storage_is_written_at_the_address_that_was_looked_at(
    storage: tuple[str, Path], names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = storage
    port = url.rpartition(":")[2]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    # A second look-up, of whoever, would find another.
    names[_NAME] = ["127.0.0.1", "127.0.0.2"]
    _store(f"http://{_NAME}:{port}").put("a.csv", [b"x" * 6_000_000, b"y"], 6_000_001, "")
    assert (folder / "a.csv").stat().st_size == 6_000_001
    assert names[_NAME] == ["127.0.0.2"]
    with pytest.raises(DeliveryProblem, match="may not be delivered to"):
        _store(f"http://{_NAME}:{port}").put("b.csv", [b"x"], 1, "")
    assert not (folder / "b.csv").exists()


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("to", ["http://127.0.0.2:{other}/x", "http://127.0.0.1:{other}/x"])
def test_storage_that_redirects_elsewhere_leads_nowhere(status: str, to: str) -> None:
    port = free_port()
    host = to.partition("//")[2].partition(":")[0]
    with answering([answer_of(b"secret")], host, port) as other:
        led = answer_of(b"", f"Location: {to.format(other=port)}", status=status)
        with answering([led]) as server:
            with pytest.raises(DeliveryProblem):
                _store(server.url.rstrip("/")).try_out("test.txt", b"hello")
            with pytest.raises(DeliveryProblem):
                _store(server.url.rstrip("/")).holds("test.txt", 6, "")
            assert server.taken
        assert other.taken == []


def test_storage_that_answers_without_end_is_cut() -> None:
    endless = itertools.chain(
        [b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"],
        itertools.repeat(b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    )
    with answering(endless) as server, pytest.raises(DeliveryProblem, match="answered more than it should"):
        _store(server.url.rstrip("/")).try_out("test.txt", b"hello")


def test_storage_that_hangs_is_given_up_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, Kind.S3, replace(POLICIES[Kind.S3], seconds=0.2))
    over = threading.Event()

    def hang() -> Iterator[bytes]:
        over.wait(10)
        yield b""

    with answering(hang()) as server, pytest.raises(DeliveryProblem, match="did not answer on port"):
        _store(server.url.rstrip("/")).try_out("test.txt", b"hello")
    over.set()


def test_a_file_of_many_parts_has_room_for_the_answer_to_each(
    storage: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = storage
    monkeypatch.setattr(s3, "_PART", 1_000)
    monkeypatch.setitem(POLICIES, Kind.S3, replace(POLICIES[Kind.S3], most_bytes=4_000))
    _store(url).put("parts.csv", [b"x" * 1_000] * 30, 30_000, "")
    assert (folder / "parts.csv").stat().st_size == 30_000


def test_over_https_the_door_leads_to_the_one_server_and_the_certificate_is_verified_against_the_name(
    tmp_path: Path, names: dict[str, list[str]]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = certificate_for(tmp_path, _NAME)
    context.load_cert_chain(certificate)
    listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
    port = listener.getsockname()[1]

    def serve() -> None:
        for _ in range(2):
            try:
                with listener.accept()[0] as connection:
                    connection.recv(4096)
                    connection.sendall(answer_of(b"here"))
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    names[_NAME] = ["127.0.0.1"]
    with NarrowWay(Kind.S3, Target("https", _NAME, port)) as way:
        door = int(way.url.rpartition(":")[2])
        trusting = ssl.create_default_context(cafile=certificate)
        for name, fits in ((_NAME, True), ("other.example", False)):
            with socket.create_connection(("127.0.0.1", door), timeout=5) as near:
                near.sendall(f"CONNECT {_NAME}:{port} HTTP/1.1\r\nHost: {_NAME}\r\n\r\n".encode())
                assert near.recv(100) == b"HTTP/1.1 200 OK\r\n\r\n"
                if fits:
                    with trusting.wrap_socket(near, server_hostname=name) as through:
                        through.sendall(b"GET / HTTP/1.1\r\n\r\n")
                        assert through.recv(100).startswith(b"HTTP/1.1 200 OK")
                else:
                    with pytest.raises(ssl.SSLCertVerificationError):
                        trusting.wrap_socket(near, server_hostname=name)
        for asked in (f"CONNECT 169.254.169.254:{port}", "CONNECT 127.0.0.1:22", "GET http://127.0.0.1:1/"):
            with socket.create_connection(("127.0.0.1", door), timeout=5) as near:
                near.sendall(f"{asked} HTTP/1.1\r\n\r\n".encode())
                assert near.recv(100).startswith(b"HTTP/1.1 403 Forbidden")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", door), timeout=1)
    thread.join(5)
    listener.close()


def test_storage_over_https_with_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_for(tmp_path, "127.0.0.1"))
    listener = context.wrap_socket(
        socket.create_server(("127.0.0.1", 0)), server_side=True, do_handshake_on_connect=True
    )
    got: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                with listener.accept()[0] as connection:
                    got.append(connection.recv(100))
            except ssl.SSLError:
                continue
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with pytest.raises(DeliveryProblem, match="is not one to trust"):
        _store(f"https://127.0.0.1:{listener.getsockname()[1]}").try_out("test.txt", b"hello")
    listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    listener.close()
    assert got == []


@pytest.mark.parametrize("by_setting", [True, False], ids=["verified", "as the operator wants"])
def test_mail_over_tls_goes_to_a_server_whose_certificate_is_trusted(
    in_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_setting: bool
) -> None:
    certificate = certificate_for(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    taking = Taking()
    controller = Controller(
        taking, hostname="localhost", port=free_port(), tls_context=context, require_starttls=True
    )
    controller.start()
    mail = in_app.extensions["mail"]
    for name, value in (("server", "localhost"), ("port", controller.port), ("use_tls", True)):
        monkeypatch.setattr(mail, name, value)
    monkeypatch.setitem(in_app.config, "MAIL_TLS_VERIFY", by_setting)
    message = Message("Hello", ["ana@college.example"], "Hello")
    try:
        if by_setting:
            with pytest.raises(OSError, match=r"localhost is not trusted.*SSL_CERT_FILE"):
                smtp.deliver(message)
            assert taking.taken == 0
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        smtp.deliver(message)
        assert taking.taken == 1
    finally:
        controller.stop()


def test_mail_goes_to_no_link_local_address(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_app.extensions["mail"], "server", "169.254.169.254")
    with pytest.raises(NotConnected):
        smtp.deliver(Message("Hello", ["ana@college.example"], "Hello"))
