"""What tests of sign-in share: the mails that arrive, the links in them, and who may sign in."""

from __future__ import annotations

import mailbox
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from flask import Flask
from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db
from cadence_app.mails.jobs import send_mail
from cadence_app.mails.models import OutgoingMail
from tests.world import Browser, World


def email_of(world: World, user_id: int) -> str:
    with world.session():
        return db.session.get_one(User, user_id).email


def outbox(world: World) -> list[OutgoingMail]:
    """The tenant's mails, oldest first, detached."""
    with world.session():
        rows = list(db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))
        db.session.expunge_all()
        return rows


def send_mails(world: World) -> None:
    """Does the worker's part for every mail that waits, in this process."""
    for mail in outbox(world):
        if mail.next_attempt_at:
            with world.app.app_context():
                send_mail(world.tenant_id, mail.id)


def mails_to(app: Flask, address: str) -> list[EmailMessage]:
    """What has arrived at an address, oldest first."""
    box = mailbox.Maildir(app.config["MAIL_DIR"])
    mails = [message_from_bytes(box.get_bytes(key), policy=policy.default) for key in box.iterkeys()]
    mine = [mail for mail in mails if address in str(mail["To"])]
    return sorted(mine, key=lambda mail: int(str(mail["Message-ID"]).rpartition("-")[2].partition("@")[0]))


def said(mail: EmailMessage, kind: str = "plain") -> str:
    """What a mail says in one of its forms, plain or html."""
    body = mail.get_body((kind,))
    assert body
    return str(body.get_content())


def link_in(mail: EmailMessage) -> str:
    """The path of the link in a mail, which must be in both of its forms."""
    text, html = said(mail), said(mail, "html")
    url = re.search(r"^http\S+$", text, re.MULTILINE)
    assert url
    assert f'href="{url[0]}"' in html
    return "/" + url[0].split("/", 3)[3]


def sign_in(app: Flask, email: str, password: str, **headers: str) -> Browser | None:
    """A browser that has shown this password; None where it was refused."""
    browser = Browser(app.test_client())
    answer = browser.post(
        "/login", {"email": email, "password": password}, token_from="/login", headers=headers
    )
    return browser if answer.status_code == 302 else None


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/account/").status_code == 200


def actions(world: World) -> list[str]:
    """What the audit log has, oldest first."""
    with world.session():
        return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
