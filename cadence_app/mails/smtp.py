"""Handing one mail to the mail server, and what its refusals mean."""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from typing import Any

from flask import current_app
from flask_mail import Connection, Message

from cadence_app.outbound import gate, tls
from cadence_app.outbound.policy import POLICIES, Kind

# No more than one record of TLS, so that each wait is for one.
_PIECE = 16 * 1024


def deliver(message: Message) -> None:
    """Sends a message over a connection of its own. Errors: OSError, SMTPException, and UnicodeError for an
    address that is none."""
    with _Connection(current_app.extensions["mail"]) as connection:
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


class _Gated(smtplib.SMTP):
    """Python's, which connects through the gate, and holds the server to the policy: one time for all of a
    delivery, with each wait within it, and so many bytes of answers. Errors beside Python's: those of the
    gate; SMTPServerDisconnected where the bounds end it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._policy = POLICIES[Kind.MAIL]
        self._until = time.monotonic() + self._policy.seconds
        self._left = self._policy.most_bytes
        super().__init__(*arguments, **options)

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        return gate.connect(Kind.MAIL, host, port, self._until)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_Answers(self))
        try:
            return super().getreply()
        except smtplib.SMTPResponseException as error:
            # Python's own word for a line without end: no refusal of the server's.
            raise smtplib.SMTPServerDisconnected("the server's answer has no end") from error

    def send(self, s: Any) -> None:
        """Sends in pieces, each of which has the time that is left."""
        content = s.encode(self.command_encoding) if isinstance(s, str) else bytes(s)
        for start in range(0, len(content), _PIECE):
            try:
                self._wait()
            except smtplib.SMTPServerDisconnected:
                self.close()
                raise
            super().send(content[start : start + _PIECE])

    def receive(self, room: Any) -> int:
        """Reads some bytes of an answer into the room. Errors: OSError past the bounds."""
        self._wait()
        size = self._connected.recv_into(room)
        self._left -= size
        if self._left < 0:
            raise OSError("the server answered more than it should")
        return size

    def _wait(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise smtplib.SMTPServerDisconnected("the server took longer than it may")
        if self.sock:
            self._connected.settimeout(min(left, self._policy.silent_seconds))

    @property
    def _connected(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("there is no connection")
        return self.sock


class _Answers(io.RawIOBase):
    """What a server says, as it comes."""

    def __init__(self, connection: _Gated) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        return self._connection.receive(room)


class _GatedTls(smtplib.SMTP_SSL, _Gated):
    """The same with TLS from the start: it wraps what the other opens."""


class _Connection(Connection):
    """Flask-Mail's, except that it connects through the gate and verifies the server's certificate, that a
    server which goes away at our goodbye has taken the mail all the same, and that the goodbye never hides
    what the server had said before."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Errors: OSError, which says what to set where the certificate is not one to trust."""
        try:
            return self._connected()
        except ssl.SSLCertVerificationError as error:
            raise OSError(
                f"the certificate of {self.mail.server} is not trusted: {error.verify_message}. SSL_CERT_FILE"
                " names an authority of your own; see also MAIL_TLS_VERIFY."
            ) from error

    def _connected(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        mail = self.mail
        host = (
            _GatedTls(mail.server, mail.port, context=_context())
            if mail.use_ssl
            else _Gated(mail.server, mail.port)
        )
        if mail.use_tls:
            host.starttls(context=_context())
        if mail.username and mail.password:
            host.login(mail.username, mail.password)
        return host

    def __exit__(self, *raised: object) -> None:
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*raised)


def _context() -> ssl.SSLContext:
    if current_app.config["MAIL_TLS_VERIFY"]:
        return tls.context()
    # An operator's choice for a server of their own.
    return ssl._create_unverified_context()  # noqa: S323
