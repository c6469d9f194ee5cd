"""Mail servers that do not simply take a mail, on a socket of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from tests.conftest import free_port


class Taking(Sink):
    """Counts the mails it takes."""

    def __init__(self) -> None:
        self.taken = 0
        super().__init__()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken += 1
        return "250 taken"


class HangingUp(Taking):
    """Takes the mail and hangs up instead of saying goodbye."""

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        server.transport.abort()
        return "221 unheard"


class KnowingNobody(Taking):
    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return "550 no such user"


@contextmanager
def mail_goes_to(app: Flask, handler: Taking, **options: Any) -> Iterator[None]:
    """The application's mail goes to a server that behaves as the handler does."""
    extension = app.extensions["mail"]
    usual = extension.port
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    extension.port = controller.port
    try:
        yield
    finally:
        extension.port = usual
        controller.stop()
