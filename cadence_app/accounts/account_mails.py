"""The mails about somebody's account. Each goes in the outbox with the change it tells of."""

from __future__ import annotations

from datetime import datetime

from flask import current_app, render_template

from cadence_app.accounts.models import User
from cadence_app.mails import service as outbox


def send(
    user: User,
    kind: str,
    subject: str,
    useless_after: datetime | None = None,
    to: str = "",
    **context: object,
) -> None:
    """Puts the mail of templates/accounts/mail/`kind`.txt in the outbox, for this user: to the address
    in use, or `to` another of theirs.

    `context` is for the template, besides `user`. Its paragraphs are those of the HTML too, where the one
    that is the `url` is a button that says `button`.
    """
    told = {"user": user, "site": current_app.config["PUBLIC_URL"], **context}
    text = render_template(f"accounts/mail/{kind}.txt", **told)
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n")]
    html = render_template("accounts/mail/page.html", subject=subject, paragraphs=paragraphs, **told)
    outbox.enqueue(kind, to or user.email, subject, text, html, name=user.name, useless_after=useless_after)
