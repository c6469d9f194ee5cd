"""The mail worker's part of the outbox: send a mail, find again whatever was lost on the way, and delete what
has gone long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app
from flask_mail import Message
from sqlalchemy import delete, func, or_, update

from cadence_app.extensions import db
from cadence_app.mails import smtp
from cadence_app.mails.models import OutgoingMail
from cadence_app.mails.service import queue_up, sending
from cadence_app.tenancy import tenant_in_use, use_tenant
from cadence_app.vault import Unreadable, decrypt
from cadence_app.work.retrying import Retrying
from cadence_app.work.sweeps import EVERYBODY, sweep

# With the longest wait between two, this is three days of a mail server that is away.
_AGAIN = Retrying(timedelta(seconds=10), timedelta(minutes=15), attempts=290)
# A worker that has a mail keeps it this long, well over the mail server's timeouts; should it die, the sweep
# gives the mail to another.
_KEPT = timedelta(minutes=5)
# A mail that no worker has taken up after this long has lost its job.
_LOST_AFTER = timedelta(seconds=15)


@sending.does
def send_mail(tenant_id: int, mail_id: int) -> None:
    """Sends a mail that is due. Running it again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    mail = _take(mail_id)
    if mail is None:
        return
    try:
        message = _message(mail)
    except Unreadable as error:
        _end(mail, problem=str(error))
        return
    try:
        smtp.deliver(message)
    except Exception as error:
        current_app.logger.warning("mail %s could not be sent: %s", mail.id, error)
        if smtp.refused_for_good(error) or _AGAIN.over(mail.attempts):
            _end(mail, problem=str(error))
        else:
            _wait(mail, str(error))
    else:
        _end(mail, sent_at=func.now())


@sweep("due_mails", late=_LOST_AFTER)
def sweep_mails(tenant_id: int, mail_id: int) -> None:
    """Queues a mail that is due and that no worker has, or gives it up where it came too late."""
    late = update(OutgoingMail).where(
        OutgoingMail.id == mail_id,
        OutgoingMail.next_attempt_at.is_not(None),
        OutgoingMail.useless_after < func.now(),
    )
    ended = late.values(**_ended("It could not be sent while it was of use.")).returning(OutgoingMail.id)
    given_up = db.session.scalar(ended)
    db.session.commit()
    if given_up is None:
        queue_up(tenant_id, mail_id)


def kept_for() -> timedelta:
    """How long after it was written is known that a mail has gone, or why it has not."""
    return timedelta(days=current_app.config["MAIL_KEEP_DAYS"])


@sweep("due_old_mails", late=kept_for, every=3600, queue="sweeps", of_each=1, at_most=EVERYBODY)
def sweep_old_mails(tenant_id: int, _: int) -> None:
    """Deletes a tenant's mails of long ago that have gone or were given up."""
    old = delete(OutgoingMail).where(
        OutgoingMail.tenant_id == tenant_in_use(),
        OutgoingMail.next_attempt_at.is_(None),
        OutgoingMail.created_at < func.now() - kept_for(),
    )
    db.session.execute(old.execution_options(synchronize_session=False))
    db.session.commit()


def _take(mail_id: int) -> OutgoingMail | None:
    """The mail, which is now this worker's; None where it is not due, another has it, or it is too late."""
    taken = (
        update(OutgoingMail)
        .where(
            OutgoingMail.id == mail_id,
            OutgoingMail.next_attempt_at <= func.now(),
            or_(OutgoingMail.useless_after.is_(None), OutgoingMail.useless_after > func.now()),
        )
        .values(next_attempt_at=func.now() + _KEPT, attempts=OutgoingMail.attempts + 1)
        .returning(OutgoingMail.id)
    )
    found = db.session.scalar(taken)
    db.session.commit()
    return db.session.get(OutgoingMail, found) if found else None


def _message(mail: OutgoingMail) -> Message:
    """Errors: Unreadable."""
    recipient = (mail.recipient_name, mail.recipient) if mail.recipient_name else mail.recipient
    message = Message(
        subject=mail.subject,
        recipients=[recipient],
        body=decrypt(mail.text),
        html=decrypt(mail.html),
        # So that no absence note answers it (RFC 3834).
        extra_headers={"Auto-Submitted": "auto-generated"} | mail.headers,
    )
    message.msgId = smtp.message_id(message, f"mail-{mail.tenant_id}-{mail.id}")
    return message


def _wait(mail: OutgoingMail, problem: str) -> None:
    # The sweep takes a mail up some time after it is due.
    mail.next_attempt_at, mail.problem = func.now() + _AGAIN.wait(mail.attempts) - _LOST_AFTER, problem
    db.session.commit()


def _end(mail: OutgoingMail, problem: str = "", sent_at: Any = None) -> None:
    for name, value in _ended(problem, sent_at).items():
        setattr(mail, name, value)
    db.session.commit()


def _ended(problem: str, sent_at: Any = None) -> dict[str, Any]:
    """The columns of a mail that is done with: what it said is kept no longer."""
    return {"next_attempt_at": None, "problem": problem, "sent_at": sent_at, "text": "", "html": ""}
