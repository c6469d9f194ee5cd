"""The mails that tell admins of the day on which opt-out words begin to count for the whole organisation."""

from __future__ import annotations

from flask import current_app, render_template
from sqlalchemy import select

from cadence_app.accounts.models import Role, Tenant, User
from cadence_app.consent.keyword_scope import days_left
from cadence_app.extensions import db
from cadence_app.mails.service import enqueue
from cadence_app.reports.ranges import today
from cadence_app.tenancy import tenant_in_use
from cadence_app.ui.formatting import day
from cadence_app.ui.navigation import words_for

# So many days before the day, and on it, there is a notice.
NOTICES = (14, 3, 1, 0)
_ADMINS = (
    select(User).where(User.role == Role.ADMIN, User.active, User.invited_at.is_(None)).order_by(User.id)
)


def passed(left: int | None) -> int | None:
    """The latest notice whose own day is over when a day is chosen that is so many days away: it is not sent,
    and none before it. None where all of them are still to come."""
    return min((notice for notice in NOTICES if left is not None and notice > left), default=None)


def tell_admins() -> int:
    """Puts the notice that is due in the outbox, one mail for each admin, and commits; how many mails.

    Each notice goes once. One that could not go on its day, since no worker ran, is made up for; of several,
    only the latest.
    """
    query = select(Tenant).where(Tenant.id == tenant_in_use(), Tenant.suspended_at.is_(None))
    fresh = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    tenant = db.session.scalars(fresh).one_or_none()
    left = days_left(tenant, today(tenant.zone)) if tenant else None
    if tenant is None or left is None:
        db.session.rollback()
        return 0
    told = tenant.keyword_policy_told
    due = [notice for notice in NOTICES if left <= notice and (told is None or notice < told)]
    if not due:
        db.session.rollback()
        return 0
    tenant.keyword_policy_told = min(due)
    admins = db.session.scalars(_ADMINS).all()
    for admin in admins:
        _mail(admin, left)
    db.session.commit()
    return len(admins)


def _mail(admin: User, left: int) -> None:
    tenant, words = admin.tenant, words_for(admin)
    if tenant.keyword_policy_from is None:
        raise ValueError("a notice needs a day")
    begins = day(tenant.keyword_policy_from)
    when = {0: "Today", 1: "Tomorrow"}.get(left, f"In {left} days")
    subject = f"{when if left >= 0 else 'Since ' + begins}: opt-out words count for every {words.team}"
    told = {
        "user": admin,
        "subject": subject,
        "begins": begins,
        "left": left,
        "words": words,
        "url": f"{current_app.config['PUBLIC_URL']}/settings/organisation/",
        "button": "See the rules",
    }
    text = render_template("administration/mail/keyword_policy.txt", **told)
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n")]
    html = render_template("accounts/mail/page.html", paragraphs=paragraphs, **told)
    enqueue("keyword_policy", admin.email, f"{subject} ({tenant.name})", text, html, name=admin.name)
