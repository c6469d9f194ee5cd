"""Mails to users: what is for them, and texts that wait. Each is by the user's choice, and names nobody
unless the organisation allows it. Each function commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import render_template
from sqlalchemy import func, select, update

from cadence_app.accounts.models import Tenant, User
from cadence_app.alerts import choices, new_texts, wording
from cadence_app.alerts.models import AlertChoice
from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from cadence_app.mails.service import enqueue
from cadence_app.messaging import for_me
from cadence_app.messaging.for_me_models import ForMe, ForMeKind
from cadence_app.ui.formatting import in_zone

# Who is at the desk sees it by then, and no mail goes.
MAILED_AFTER = timedelta(minutes=2)
# The least between two mails of what is theirs to one user: what comes meanwhile goes in the next.
PAUSE = timedelta(minutes=5)
WAITING = timedelta(minutes=15)
# The least between two mails of waiting texts to one user.
HOURLY = timedelta(hours=1)
# Texts that waited so long while nobody looked, as after a day without workers, are in the desk.
_LOOKED_BACK = timedelta(days=1)
_LISTED = 20

FOR_ME_MAIL, WAITING_MAIL = "for_me", "waiting_texts"
KINDS = (FOR_ME_MAIL, WAITING_MAIL)


def mail_mine(user_id: int) -> bool:
    """One mail of all that became a user's and that they have not seen in a while, some minutes after the one
    before; whether there is one."""
    user = _hold(user_id)
    lately = select(ForMe.id).where(ForMe.user_id == user_id, ForMe.mailed_at > func.now() - PAUSE)
    if db.session.scalar(select(lately.exists())):
        db.session.rollback()
        return False
    query = select(ForMe).where(
        ForMe.user_id == user_id, ForMe.mailed_at.is_(None), ForMe.created_at <= func.now() - MAILED_AFTER
    )
    due = db.session.scalars(query.order_by(ForMe.id).with_for_update(skip_locked=True)).all()
    ids = {item.id for item in due if item.seen_at is None}
    for item in due:
        item.mailed_at = func.now()
    db.session.flush()
    if user is None or not ids:
        db.session.commit()
        return False
    choice = choices.choice_of(user)
    shown = for_me.items_of(user).where(ForMe.id.in_(ids)).order_by(ForMe.id.desc())
    items = [item for item in db.session.scalars(shown) if choices.wants_mail(choice, ForMeKind(item.kind))]
    if items:
        one = wording.line_of(items[0])
        _send(user, FOR_ME_MAIL, one if len(items) == 1 else f"{len(items)} things for you", items=items)
    db.session.commit()
    return bool(items)


def mail_waiting(user_id: int) -> bool:
    """One mail of the texts that have waited for a user since the last one, at most one an hour; whether
    there is one."""
    user = _hold(user_id)
    query = select(AlertChoice).where(AlertChoice.user_id == user_id, AlertChoice.waiting_next <= func.now())
    choice = db.session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if choice is None or choice.waiting_from is None:
        db.session.rollback()
        return False
    now = datetime.now(UTC)
    until = now - WAITING
    counts = new_texts.waiting(user, max(choice.waiting_from, now - _LOOKED_BACK), until) if user else []
    choice.waiting_from = max(choice.waiting_from, until)
    # Looked at anew in a minute where there was nothing.
    choice.waiting_next = now + (HOURLY if counts else timedelta(minutes=1))
    if user and counts:
        count = sum(each for _, each in counts)
        waited = "text has" if count == 1 else "texts have"
        title = f"{count:,} {waited} waited over {WAITING.seconds // 60} minutes"
        _send(user, WAITING_MAIL, title, counts=counts)
    db.session.commit()
    return bool(counts)


def stop(user: User) -> None:
    """What waits in the outbox for a user who leaves, or who leaves a team, is not sent, in the open
    transaction, in which they are not active any more, or not there. What else it told of is in the list."""
    waiting = update(OutgoingMail).where(
        OutgoingMail.kind.in_(KINDS),
        OutgoingMail.recipient == user.email,
        OutgoingMail.next_attempt_at.is_not(None),
    )
    db.session.execute(waiting.values(next_attempt_at=None, problem="They left.", text="", html=""))


def _hold(user_id: int) -> User | None:
    """A user who may be told, held: whoever deactivates them waits, and then takes the mail back (stop())."""
    query = select(User).where(User.id == user_id, User.active).with_for_update(read=True, of=User)
    user = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if user is None or user.invited or not user.works_desk:
        return None
    return user if db.session.get_one(Tenant, user.tenant_id).suspended_at is None else None


def _send(
    user: User,
    kind: str,
    title: str,
    *,
    items: list[ForMe] | None = None,
    counts: list[tuple[str, int]] | None = None,
) -> None:
    named = user.tenant.notices_name
    lines = [
        {
            "what": wording.line_of(item),
            "detail": wording.detail_of(item) if named else "",
            "at": in_zone(item.created_at, user.zone),
            "url": wording.url_of(f"/messages/conversations/{item.conversation_id}"),
        }
        for item in (items or [])[:_LISTED]
    ]
    context = {
        "user": user,
        "tenant": user.tenant,
        "title": title,
        "lines": lines,
        "more": len(items or []) - len(lines),
        "counts": counts or [],
        "url": wording.url_of("/messages/for-me/" if items else "/messages/"),
        "settings_url": wording.url_of("/account/notifications"),
    }
    enqueue(
        kind,
        user.email,
        f"{title} ({user.tenant.name})",
        render_template("alerts/mail/told.txt", **context),
        render_template("alerts/mail/told.html", **context),
        name=user.name,
        # News by then.
        useless_after=datetime.now(UTC) + timedelta(hours=24),
    )
