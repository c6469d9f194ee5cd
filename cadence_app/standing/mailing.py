"""The mails to admins: of what somebody left behind, and of a token that is about to expire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import current_app, render_template

from cadence_app.accounts.models import User
from cadence_app.api.models import GRACE, ApiToken
from cadence_app.mails.service import enqueue
from cadence_app.standing.service import Errand


def tell_left_behind(
    to: Sequence[User], waiting: Sequence[Errand], ended: Sequence[Errand], useless_after: datetime
) -> None:
    """Puts a mail for each admin in the outbox: what waits for a decision, and what has just ended."""
    for admin in to:
        if waiting:
            many = "One thing waits" if len(waiting) == 1 else f"{len(waiting)} things wait"
            subject = f"{many} for somebody to take over"
        else:
            subject = "What nobody took over has ended"
        told = {
            "waiting": waiting,
            "ended": ended,
            "grace": GRACE,
            "url": f"{current_app.config['PUBLIC_URL']}/settings/left-behind/",
            "button": "Decide",
        }
        _send("left_behind", admin, subject, useless_after if not ended else None, **told)


def tell_of_expiry(to: Sequence[User], token: ApiToken, now: datetime) -> None:
    """Puts a mail for each admin in the outbox that says when a token expires."""
    # A notice of seven days goes a moment after them.
    left = -(-(token.expires_at - now) // timedelta(days=1))
    when = "within a day" if left <= 1 else f"in {left} days"
    for admin in to:
        told = {
            "token": token,
            "when": when,
            "url": f"{current_app.config['PUBLIC_URL']}/settings/api-tokens",
            "button": "See the tokens",
        }
        _send("token_expires", admin, f"An API token expires {when}: {token.name}", token.expires_at, **told)


def _send(kind: str, admin: User, subject: str, useless_after: datetime | None, **context: object) -> None:
    told = {"user": admin, "subject": subject, **context}
    text = render_template(f"standing/mail/{kind}.txt", **told)
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]
    html = render_template("accounts/mail/page.html", paragraphs=paragraphs, **told)
    subject = f"{subject} ({admin.tenant.name})"
    enqueue(kind, admin.email, subject, text, html, name=admin.name, useless_after=useless_after)
