"""Handing one mail to the mail server, and what its refusals mean."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import current_app
from flask_mail import Connection, Message

_TIMEOUT_SECONDS = 60


def deliver(message: Message) -> None:
    """Sends a message over a connection of its own. Errors: OSError, SMTPException, and UnicodeError for an
    address that is none."""
    with _timeout(), _Connection(current_app.extensions["mail"]) as connection:
        connection.send(message)


def message_id(message: Message, name: str) -> str:
    """A Message-ID at the sender's domain. Always the same for the same name: should a mail go twice, mail
    programs know it for one."""
    domain = message.sender.rpartition("@")[2].rstrip(">")
    return f"<{name}@{domain}>"


def refused_for_good(error: Exception) -> bool:
    """Whether a mail can't ever go: an address that is none, or a refusal of 500 or more (RFC 5321, section
    4.2.1), except of our own sign-in, which an operator puts right."""
    if isinstance(error, UnicodeError):
        return True
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


class _Connection(Connection):
    """Flask-Mail's, except that a server which goes away at our goodbye has taken the mail all the same, and
    that the goodbye never hides what the server had said before."""

    def __exit__(self, *raised: object) -> None:
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*raised)


@contextmanager
def _timeout() -> Iterator[None]:
    """Flask-Mail opens its connection without a timeout of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
