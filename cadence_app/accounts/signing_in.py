"""What the audit log says of tries to sign in that failed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from cadence_app.accounts import audit, service
from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db

_ACTION = "user.sign_in_failed_too_often"
_STRANGER = "Somebody not signed in"
# However long somebody goes on, the log says it once in this time.
_SAID_EVERY = timedelta(minutes=10)


def note_too_often(email: str, ip: str) -> None:
    """Notes, and commits, that too many tries were made with an address; not where nobody has it."""
    if "\x00" in email or len(email) > 254:
        return
    user = service.find_by_email(email)
    if user:
        note_user(user, ip)


def note_user(user: User, ip: str) -> None:
    """The same for a user who is known by now, and whose second factor is tried too often. Commits."""
    subject = f"{user.email}, from {ip}"
    lately = select(AuditEntry.id).where(
        AuditEntry.action == _ACTION, AuditEntry.subject == subject, AuditEntry.at > func.now() - _SAID_EVERY
    )
    if db.session.scalar(lately.limit(1)) is None:
        audit.record(_STRANGER, _ACTION, subject)
    db.session.commit()
