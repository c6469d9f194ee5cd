"""A mail server that stalls, drips or talks without end holds up no worker and loses no mail."""

from __future__ import annotations

import itertools
import smtplib
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask_mail import Message

from cadence_app.extensions import db
from cadence_app.mails import service, smtp
from cadence_app.mails.jobs import send_mail
from cadence_app.mails.models import OutgoingMail
from cadence_app.outbound.policy import POLICIES, Kind
from tests.outbound.answering import speaking
from tests.smtp import Taking, mail_goes_to
from tests.world import World

_MESSAGE = ("Hello", ["ana@college.example"], "Hello")


@pytest.fixture
def mail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Where mail goes; a delivery has a short time."""
    monkeypatch.setitem(
        POLICIES, Kind.MAIL, replace(POLICIES[Kind.MAIL], seconds=0.4, silent_seconds=0.2, most_bytes=100_000)
    )
    extension = app.extensions["mail"]
    for name in ("server", "port"):
        monkeypatch.setattr(extension, name, getattr(extension, name))
    with app.app_context():
        yield extension


def _drip(text: bytes, over: threading.Event) -> Iterator[bytes]:
    for byte in itertools.cycle(text):
        if over.wait(0.03):
            return
        yield bytes([byte])


def _fails(mail: Any, pieces: Iterable[bytes], body: str = "Hello") -> tuple[Exception, float]:
    with speaking(pieces) as server:
        mail.server, mail.port = server.host, server.port
        began = time.monotonic()
        with pytest.raises((OSError, smtplib.SMTPException)) as raised:
            smtp.deliver(Message("Hello", ["ana@college.example"], body))
        return raised.value, time.monotonic() - began


@pytest.mark.parametrize("text", [b"220 ", b"220-on and on\r\n"], ids=["a line", "lines"])
def test_who_answers_a_byte_at_a_time_gets_no_more_than_the_whole_time(mail: Any, text: bytes) -> None:
    over = threading.Event()
    error, seconds = _fails(mail, _drip(text, over))
    over.set()
    assert seconds < 3
    assert not smtp.refused_for_good(error)


def test_a_server_that_says_nothing_is_given_up(mail: Any) -> None:
    over = threading.Event()

    def say_nothing() -> Iterator[bytes]:
        over.wait(10)
        yield b""

    error, seconds = _fails(mail, say_nothing())
    over.set()
    assert seconds < 3
    assert not smtp.refused_for_good(error)


@pytest.mark.parametrize(
    ("piece", "says"),
    [(b"2" * 9000, "has no end"), (b"220-" + b"x" * 500 + b"\r\n", "more than it should")],
    ids=["a line without end", "lines without end"],
)
def test_an_answer_without_end_is_cut_and_is_no_refusal(mail: Any, piece: bytes, says: str) -> None:
    error, _ = _fails(mail, itertools.repeat(piece))
    assert says in str(error)
    assert not smtp.refused_for_good(error)


def test_a_server_that_takes_the_text_too_slowly_is_given_up(mail: Any) -> None:
    over = threading.Event()

    def take_nothing() -> Iterator[bytes]:
        # Every answer up to "go ahead", said before it is asked for; then nothing is read.
        yield b"220 hello\r\n250 hello\r\n250 sender\r\n250 recipient\r\n354 go ahead\r\n"
        over.wait(10)

    error, seconds = _fails(mail, take_nothing(), "x" * 70 + "\n" + "y" * 20_000_000)
    over.set()
    assert seconds < 5
    assert isinstance(error, smtplib.SMTPServerDisconnected)


def test_a_slow_goodbye_does_not_make_a_mail_that_was_taken_go_again(mail: Any) -> None:
    over = threading.Event()

    def take() -> Iterator[bytes]:
        yield b"220 hello\r\n250 hello\r\n250 sender\r\n250 recipient\r\n354 go ahead\r\n250 taken\r\n"
        yield from _drip(b"221-bye\r\n", over)

    with speaking(take()) as server:
        mail.server, mail.port = server.host, server.port
        smtp.deliver(Message(*_MESSAGE))
    over.set()


def test_the_mail_waits_for_another_try(mail: Any, world: World) -> None:
    with world.session():
        put = service.enqueue("test", "ana@college.example", "Hello", "The text", "<p>The HTML</p>")
        db.session.commit()
        mail_id = put.id
    with speaking(itertools.repeat(b"2" * 9000)) as server:
        mail.server, mail.port = server.host, server.port
        with world.app.app_context():
            send_mail(world.tenant_id, mail_id)
    with world.session():
        waiting = db.session.get_one(OutgoingMail, mail_id)
        assert waiting.next_attempt_at is not None
        assert (waiting.sent_at, waiting.text != "") == (None, True)


def test_mail_goes_to_the_address_that_was_looked_at(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, said = socket.getaddrinfo, ["127.0.0.1", "127.0.0.2"]

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
        return usual(said.pop(0) if host == "mail.example" else host, port, *rest, **more)

    taking = Taking()
    with app.app_context(), mail_goes_to(app, taking):
        monkeypatch.setattr(app.extensions["mail"], "server", "mail.example")
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        smtp.deliver(Message(*_MESSAGE))
    assert taking.taken == 1
    assert said == ["127.0.0.2"]


def test_a_large_mail_goes_in_one_piece(app: Flask) -> None:
    taking = Taking()
    with app.app_context(), mail_goes_to(app, taking, data_size_limit=10_000_000):
        smtp.deliver(Message("Hello", ["ana@college.example"], ("x" * 900 + "\r\n") * 2_000))
    assert taking.taken == 1
