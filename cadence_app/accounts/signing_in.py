"""The first step of signing in, and what the audit log says of tries that failed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from cadence_app.accounts import audit, email_addresses, service, tries
from cadence_app.accounts.known_devices import Known
from cadence_app.accounts.models import AuditEntry, User
from cadence_app.accounts.tries import Kind, TooMany
from cadence_app.extensions import db

_ACTION = "user.sign_in_failed_too_often"
_NO_ID = 0
_STRANGER = "Somebody not signed in"
# However long somebody goes on, the log says it once in this time.
_SAID_EVERY = timedelta(minutes=10)


class TooManyAt(TooMany):
    """The same, at an account that the log of its organisation tells of."""

    def __init__(self, seconds: float, user: User, ip: str) -> None:
        super().__init__(seconds)
        self.tenant_id, self.user_id, self.ip = user.tenant_id, user.id, ip


def sign_in(email: str, password: str, ip: str, known: Known) -> User | None:
    """The active user with this e-mail address and password; the database session then works for their
    tenant. Failures are counted by address, whether somebody has it or not, and by network; on a device where
    this user has signed in before by that device alone. Errors: TooMany, and the password was not looked
    at."""
    # As many statements for nobody as for somebody.
    user = service.find_by_email(email) or service.load_user(_NO_ID, _NO_ID)
    device = known.number(service.account_of(user), user.password_hash) if user else None
    folded = email_addresses.folded(email)
    strangers = [(Kind.PASSWORD, folded), (Kind.NETWORK, tries.network_of(ip))]
    try:
        tried = tries.begin(*([(Kind.DEVICE, device)] if device else strangers))
    except TooMany as early:
        raise TooManyAt(early.seconds, user, ip) if user else early from None
    # Checked where there is no such user too, so that the time taken does not tell.
    fits = service.password_fits(user, password)
    if not (user and fits and user.is_active and not user.invited):
        return None
    tried.give_back()
    return user


def note_too_many(early: TooManyAt) -> None:
    """Notes, and commits, that too many tries were made at somebody's account."""
    user = service.load_user(early.tenant_id, early.user_id)
    if user is None:
        return
    subject = f"{user.email}, from {early.ip}"
    lately = select(AuditEntry.id).where(
        AuditEntry.action == _ACTION, AuditEntry.subject == subject, AuditEntry.at > func.now() - _SAID_EVERY
    )
    if db.session.scalar(lately.limit(1)) is None:
        audit.record(_STRANGER, _ACTION, subject)
    db.session.commit()
