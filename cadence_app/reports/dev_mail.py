"""The mailbox: the mails that the embedded catcher filed, to read and to open their attachments.

Only registered where DEV_MAILBOX is on, and only there for who sits at this machine (development.py): with a
mail server of your own, mails are none of Cadence's business.
"""

from __future__ import annotations

import mailbox
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from cadence_app import development

blueprint = Blueprint("dev_mail", __name__, url_prefix="/dev/mail")
blueprint.before_request(development.require_here)

_NEWEST = 100
# The mail's HTML is somebody else's: it may style itself and do nothing more.
_HTML_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"


@dataclass(frozen=True)
class Mail:
    """One mail. `key` is its name in the Maildir; `attachments` are (number, file name, bytes)."""

    key: str
    subject: str
    sender: str
    recipients: str
    sent_at: datetime
    text: str
    has_html: bool
    attachments: list[tuple[int, str, int]]


@blueprint.get("/", endpoint="mailbox")
def index() -> str:
    mails = [_mail(key, _read(key)) for key in _keys()[:_NEWEST]]
    return render_template("dev/mailbox.html", mails=mails)


@blueprint.get("/<key>")
def show(key: str) -> str:
    return render_template("dev/mail.html", mail=_mail(key, _read(key)))


@blueprint.get("/<key>/html")
def html(key: str) -> ResponseReturnValue:
    body = _read(key).get_body(("html",)) or abort(404)
    response = Response(body.get_content(), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _HTML_CSP
    return response


@blueprint.get("/<key>/attachments/<int:number>")
def attachment(key: str, number: int) -> ResponseReturnValue:
    parts = list(_read(key).iter_attachments())
    if number >= len(parts):
        abort(404)
    response = Response(_bytes(parts[number]), mimetype=parts[number].get_content_type())
    response.headers.set("Content-Disposition", "attachment", filename=parts[number].get_filename() or "file")
    return response


def _maildir() -> mailbox.Maildir:
    path: Path = current_app.config["MAIL_DIR"]
    return mailbox.Maildir(path, create=True)


def _keys() -> list[str]:
    """The mails' keys, newest first: a Maildir's key begins with the second it was filed at."""
    return sorted(_maildir().keys(), key=_filed_at, reverse=True)


def _filed_at(key: str) -> tuple[int, str]:
    second = key.partition(".")[0]
    return (int(second) if second.isdecimal() else 0, key)


def _read(key: str) -> EmailMessage:
    try:
        return message_from_bytes(_maildir().get_bytes(key), policy=policy.default)
    except KeyError:
        abort(404)


def _mail(key: str, message: EmailMessage) -> Mail:
    text = message.get_body(("plain",))
    sent = message["Date"]
    return Mail(
        key=key,
        subject=str(message["Subject"] or "(no subject)"),
        sender=str(message["From"] or ""),
        recipients=str(message["To"] or ""),
        sent_at=parsedate_to_datetime(str(sent)) if sent else datetime.fromtimestamp(_filed_at(key)[0], UTC),
        text=text.get_content() if text else "",
        has_html=message.get_body(("html",)) is not None,
        attachments=[
            (number, part.get_filename() or "file", len(_bytes(part)))
            for number, part in enumerate(message.iter_attachments())
        ],
    )


def _bytes(part: object) -> bytes:
    payload = part.get_payload(decode=True)  # type: ignore[attr-defined]
    return payload if isinstance(payload, bytes) else b""
