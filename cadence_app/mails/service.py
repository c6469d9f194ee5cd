"""Putting a mail in the outbox, in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import event
from sqlalchemy.orm import Session

from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from cadence_app.tenancy import tenant_in_use
from cadence_app.vault import encrypt
from cadence_app.work.queueing import Job

_TO_QUEUE = "mails to queue"
# Sends a mail, by its tenant's id and its own (jobs.py).
sending = Job[[int, int]]("mails", seconds=240)


def enqueue(
    kind: str,
    recipient: str,
    subject: str,
    text: str,
    html: str,
    *,
    name: str = "",
    headers: Mapping[str, str] | None = None,
    useless_after: datetime | None = None,
) -> OutgoingMail:
    """Adds a mail to the open transaction: it goes out if that commits, and only then.

    `recipient` is an address and `name` whose it is; `headers` are added to the usual ones. Nothing is sent
    after `useless_after`. The caller commits, which queues the job; were that lost, the sweep finds the row.
    """
    mail = OutgoingMail(
        tenant_id=tenant_in_use(),
        kind=kind,
        recipient=recipient,
        recipient_name=name,
        subject=" ".join(subject.split()),
        text=encrypt(text),
        html=encrypt(html),
        headers=dict(headers or {}),
        useless_after=useless_after,
    )
    db.session.add(mail)
    db.session.flush()
    db.session.info.setdefault(_TO_QUEUE, []).append((mail.tenant_id, mail.id))
    return mail


def queue_up(tenant_id: int, mail_id: int) -> bool:
    """Puts a mail on the worker's queue, unless it waits there already. False where Redis is out of reach;
    the sweep puts it there later."""
    return sending.put(f"mail-{mail_id}", tenant_id, mail_id)


def init_outbox() -> None:
    """Makes each commit of the session queue the mails it brought."""
    event.listen(db.session, "after_commit", _committed)
    event.listen(db.session, "after_rollback", _rolled_back)


def _committed(session: Session) -> None:
    for mail in session.info.pop(_TO_QUEUE, []):
        queue_up(*mail)


def _rolled_back(session: Session) -> None:
    session.info.pop(_TO_QUEUE, None)
